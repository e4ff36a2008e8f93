"""The story in order: who does what."""

from portal.demo.cast import described
from portal.demo.play import Step
from portal.demo.story import applying, catalogue, evidence, objecting, people

STORY = (
    Step("1.1 The operator and three administrators", "shuniu setup", people.enter_first_people),
    Step("1.2 The case clock goes to the beginning", described("tangjie"), people.turn_to_the_beginning),
    Step("1.3 Agencies are registered", described("tangjie"), people.register_agencies),
    Step("1.4 People, roles, accounts", described("jiangmin"), people.enter_people),
    Step("1.5 Data administrators on file", described("caoyang"), people.appoint_administrators),
    Step("1.6 Agencies register their keys", described("qianyong"), people.register_keys),
    Step("1.7 A program is registered", described("luoyan"), people.register_program),
    Step("2.1 Systems and their addresses", described("chensiyuan"), catalogue.register_systems),
    Step("2.2 Divisions, for everybody", described("zhouwen"), catalogue.catalogue_divisions),
    Step("2.3 Legal entities, on request", described("chensiyuan"), catalogue.catalogue_legal_entities),
    Step("2.4 A resource that is not shared", described("zhengqiang"), catalogue.catalogue_cases),
    Step("4.1 The tax bureau applies", described("linjia"), applying.apply_for_six_items),
    Step("4.2 The form arrives on paper", described("sunli"), applying.receive_on_paper),
    Step("4.3 Ten working days run", described("tangjie"), applying.let_ten_working_days_run),
    Step("4.4 Five items and a refusal", described("sunli"), applying.answer_five_and_one),
    Step("4.5 Both sides sign", described("heming"), applying.sign_agreement),
    Step("4.6 What is not shared is turned away", described("linjia"), applying.pick_what_is_not_shared),
    Step("4.7 A second application is refused", described("matao"), objecting.refuse_the_second),
    Step("4.8 An objection is concluded", described("shenning"), objecting.object_and_conclude),
    Step("4.9 The provider answers anew", described("sunli"), objecting.answer_anew),
    Step("6.1 Everything is evidence", described("penghua"), evidence.find_everything),
    Step("6.2 The log is whole", "shuniu audit verify", evidence.verify_the_log, every_time=True),
    Step("6.3 A changed byte is found", "the database's owner", evidence.change_one_byte, every_time=True),
)
