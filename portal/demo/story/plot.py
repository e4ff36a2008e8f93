"""The story in order: who does what."""

from portal.demo.cast import described
from portal.demo.play import Step
from portal.demo.story import applying, catalogue, delivering, evidence, loading, objecting, people, waiting

PEOPLE = (
    Step("1.1 The operator and three administrators", "shuniu setup", people.enter_first_people),
    Step("1.2 The case clock goes to the beginning", described("tangjie"), people.turn_to_the_beginning),
    Step("1.3 Agencies are registered", described("tangjie"), people.register_agencies),
    Step("1.4 People, roles, accounts", described("jiangmin"), people.enter_people),
    Step("1.5 Data administrators on file", described("caoyang"), people.appoint_administrators),
    Step("1.6 Agencies register their keys", described("qianyong"), people.register_keys),
    Step("1.7 A program is registered", described("luoyan"), people.register_program),
)
CATALOGUE = (
    Step("2.1 Systems and their addresses", described("chensiyuan"), catalogue.register_systems),
    Step("2.2 Divisions, for everybody", described("zhouwen"), catalogue.catalogue_divisions),
    Step("2.3 Legal entities, on request", described("chensiyuan"), catalogue.catalogue_legal_entities),
    Step("2.4 A resource that is not shared", described("zhengqiang"), catalogue.catalogue_cases),
)
LOADING = (
    Step("3.1 The divisions of China are uploaded", described("zhouwen"), loading.attach_divisions),
    Step("3.2 A database is attached", described("chensiyuan"), loading.attach_database),
    Step("3.3 Airflow is up", "Airflow", loading.await_airflow),
    Step("3.4 Both sources are loaded", "Airflow", loading.load_both),
    Step("3.5 The counts reconcile", described("chensiyuan"), loading.reconcile_counts),
)
APPLYING = (
    Step("4.1 The tax bureau applies", described("linjia"), applying.apply_for_six_items),
    Step("4.2 The form arrives on paper", described("sunli"), applying.receive_on_paper),
    Step("4.3 Ten working days run", described("tangjie"), applying.let_ten_working_days_run),
    Step("4.4 Five items and a refusal", described("sunli"), applying.answer_five_and_one),
    Step("4.5 Both sides sign", described("heming"), applying.sign_agreement),
    Step("4.6 What is not shared is turned away", described("linjia"), applying.pick_what_is_not_shared),
    Step("4.7 A second application is refused", described("matao"), objecting.refuse_the_second),
    Step("4.8 An objection is concluded", described("shenning"), objecting.object_and_conclude),
    Step("4.9 The provider answers anew", described("sunli"), objecting.answer_anew),
)
DELIVERING = (
    Step("5.1 A call of the interface", "金税办案 (市税务局)", delivering.call_the_interface),
    Step("5.2 Files", described("linjia"), delivering.deliver_files),
    Step("5.3 A page to browse", described("matao"), delivering.browse_without_a_copy),
    Step("5.4 An offline package", described("linjia"), delivering.deliver_offline),
    Step("5.5 Divisions reach everybody", described("matao"), delivering.share_with_everybody),
    Step("5.6 The case clock returns", described("tangjie"), delivering.return_to_today),
    Step("5.7 Something waits on two desks", described("matao"), waiting.leave_work),
)
EVIDENCE = (
    Step("6.1 Everything is evidence", described("penghua"), evidence.find_everything),
    Step("6.2 The log is whole", "shuniu audit verify", evidence.verify_the_log, every_time=True),
    Step("6.3 A changed byte is found", "the database's owner", evidence.change_one_byte, every_time=True),
)
STORY = (*PEOPLE, *CATALOGUE, *LOADING, *APPLYING, *DELIVERING, *EVIDENCE)
