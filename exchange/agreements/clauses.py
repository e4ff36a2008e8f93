"""Clauses of the security and secrecy agreement: our own wording of what the measures ask for ([M] Art. 15¶4, 17, 18;
R42).

They are frozen into each agreement's document when it is proposed, so a change here reaches new agreements only.
"""

CLAUSES: tuple[tuple[str, str], ...] = (
    (
        "提供方按本协议所列数据项、方式和期限提供数据，并对数据在离开平台前的准确性、完整性和安全负责。",
        "The provider supplies the items, by the modes and within the term named here, and answers for their accuracy, "
        "completeness and security until they leave the platform.",
    ),
    (
        "需求方仅取得有限使用权，数据只用于本协议载明的用途和履行本部门法定职责，不得用于其他目的，"
        "不得有偿使用或者用于商业活动。",
        "The requester receives a limited right of use: only for the purpose named here and its own legal duty, for no "
        "other "
        "purpose, for no payment and no business.",
    ),
    (
        "未经提供方书面同意，需求方不得将数据及其衍生数据提供给第三方，不得对外发布。",
        "Without the provider's written consent the requester gives neither the data nor anything derived from it to a "
        "third "
        "party, and publishes none of it.",
    ),
    (
        "双方只通过政务网络和本协议约定的方式传输、存储和使用数据；涉及国家秘密的数据不得通过本平台传输。",
        "Both sides move, keep and use the data only on government networks and by the modes agreed here; state "
        "secrets never "
        "travel over this platform.",
    ),
    (
        "需求方指定专人负责所接收数据的安全，制定内部使用规定，限制知悉范围，并保存使用记录。",
        "The requester names a person responsible for the received data, sets an internal rule for its use, limits who "
        "may know "
        "it, and keeps records of its use.",
    ),
    (
        "需求方发现数据有疑义或者错误的，应当及时告知提供方，由提供方校核；校核期间，"
        "需求方不得以该数据有误为由拒绝办理有有效书面证明的事项。",
        "The requester tells the provider without delay of doubtful or wrong data, and the provider checks it; "
        "meanwhile the "
        "requester goes on handling cases that valid papers prove.",
    ),
    (
        "提供方可以检查数据的使用和保护情况，需求方应当予以配合，并按要求提供使用记录；平台记录每一次交付并留存证据。",
        "The provider may inspect how the data is used and protected; the requester assists and shows its records. The "
        "platform "
        "records each delivery as evidence.",
    ),
    (
        "数据交付后，需求方一侧的数据安全由需求方负责；因滥用、非授权使用、扩散或者泄露造成后果的，由需求方承担相应责任。",
        "After delivery the requester answers for the data's security on its side, and for the consequences of abuse, "
        "unauthorised use, spreading or leaking.",
    ),
    (
        "发生或者可能发生泄露的，需求方应当立即采取补救措施，并通知提供方和平台管理单位。",
        "When data leaks or may leak, the requester acts at once and notifies the provider and the platform's "
        "operator.",
    ),
    (
        "需求方违反本协议的，提供方可以中止或者终止提供；需求方应当停止使用，退还或者销毁数据、副本及衍生数据，"
        "并出具书面说明。",
        "On breach the provider may suspend or end the supply; the requester stops using the data, returns or destroys "
        "it with "
        "all copies and derivatives, and states so in writing.",
    ),
    (
        "期限届满或者使用目的已经实现的，需求方应当停止使用并销毁数据；依法应当归档的除外。保密义务不因本协议终止而解除。"
        "",
        "When the term ends or the purpose is met, the requester stops using the data and destroys it, except what the "
        "law says "
        "to archive. The duty of secrecy outlasts this agreement.",
    ),
    (
        "履行本协议发生争议的，双方协商解决；协商不成的，提请市政府办公厅协调。",
        "The two sides settle disputes under this agreement by talking; failing that, they bring them before the "
        "coordinating "
        "office.",
    ),
    (
        "本协议自双方以各自登记的密钥签署之日起生效，至所列期限届满或者提前终止之日止。双方各执一份内容相同的电子文本。",
        "This agreement is in force from the day both sides have signed it with their registered keys until its term "
        "ends or it "
        "is terminated. Each side holds the same electronic text.",
    ),
)
