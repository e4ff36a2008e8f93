"""Why the hub refused something, in words: entries of evidence hold the code of the error alone."""

from portal.languages import N_

REASONS = {
    "access.role": N_("none of the caller's roles includes it"),
    "access.undeclared": N_("the address is open to nobody"),
    "account.agency_ended": N_("the agency of the account has ended"),
    "account.frozen": N_("the account is frozen"),
    "account.locked": N_("too many wrong passwords or secrets came before"),
    "account.none": N_("nobody is signed in with an account"),
    "account.revoked": N_("the program is revoked"),
    "account.sealed": N_("the emergency account is sealed"),
    "address.bad": N_("the hub did not sign this address"),
    "address.expired": N_("the signed address has expired"),
    "address.holder": N_("whom the address was made for no longer receives for the agency"),
    "application.not_shareable": N_("items that are not shared were applied for"),
    "application.state_secret": N_("state secrets are not shared over this platform"),
    "clock.two_people": N_("two different people have to decide"),
    "delivery.no_agency": N_("no agency asked"),
    "destruction.own": N_("another person has to decide than the one who asked"),
    "destruction.person": N_("a program cannot do this"),
    "evidence.two_people": N_("two different people have to decide"),
    "grant.standing": N_("a standing grant follows the catalogue"),
    "grant.suspended_by_security": N_("the grant is suspended for security"),
    "key.no_agency": N_("no person of an agency asked"),
    "key.not_proven": N_("that the agency holds the private key was not proved"),
    "need.state_secret": N_("state secrets are not shared over this platform"),
    "password.given": N_("another person set the password, and it was not changed yet"),
    "password.reset_lately": N_("another person reset the password within thirty days"),
    "password.wrong": N_("the present password was wrong"),
    "permission.agency": N_("it belongs to another agency"),
    "permission.case": N_("the case is between two other agencies"),
    "permission.case_clock": N_("the case clock of this site cannot be turned"),
    "permission.compiler": N_("another person has to do it than the one who compiled"),
    "permission.draft": N_("the version is another agency's and not published"),
    "permission.evidence": N_("the evidence is another agency's"),
    "permission.grant": N_("the grant is another agency's"),
    "permission.office": N_("people of this agency cannot hold the role"),
    "permission.own_data": N_("it is the agency's own data"),
    "permission.own_dispute": N_("the coordinating office is a party to the dispute"),
    "permission.own_request": N_("another person has to decide than the one who asked"),
    "permission.own_roles": N_("nobody changes their own roles"),
    "permission.own_work": N_("another person has to review than the one who compiled"),
    "permission.party": N_("the agency is no party to it"),
    "permission.person": N_("a program cannot do this"),
    "permission.regulator_decides": N_("the regulator cannot decide for a provider"),
    "permission.responsible": N_("the official who answers for the program lacks the role"),
    "permission.role": N_("none of the caller's roles includes it"),
    "permission.security_administrator": N_("only the operator's security administrator appoints these"),
    "permission.supervision": N_("only those who supervise see every agency's cases"),
    "person.roles_separated": N_("the three administrators are three people"),
    "release.items": N_("items were asked for that the grant does not name"),
    "release.items_not_loaded": N_("the loaded data does not hold all granted items"),
    "release.key": N_("rows were looked up by items that the grant does not allow"),
    "release.mode": N_("the grant does not allow this mode of delivery"),
    "release.no_agreement": N_("no secrecy agreement is in force"),
    "release.no_data": N_("no data is loaded yet"),
    "release.no_grant": N_("the agency has no such grant"),
    "release.no_purpose": N_("purpose or case were not stated"),
    "release.not_active": N_("the grant is suspended or has ended"),
    "release.not_shareable": N_("the resource holds items that may not be shared"),
    "release.other_purpose": N_("the purpose is not the one that was granted"),
    "release.out_of_term": N_("the day is outside of the grant's term"),
    "release.quota": N_("the quota of rows is used up"),
    "reserved.answer": N_("a person does this, not a program"),
    "reserved.hand_over": N_("a person does this, not a program"),
    "reserved.publication": N_("a person does this, not a program"),
    "reserved.receipt": N_("a person does this, not a program"),
    "reserved.review": N_("a person does this, not a program"),
    "reserved.secrecy_review": N_("a person does this, not a program"),
    "reserved.signature": N_("a person does this, not a program"),
    "reserved.submission": N_("a person does this, not a program"),
    "source.address": N_("the hub may not call this address"),
    "source.address_not_allowed": N_("the address is not registered for the agency"),
    "source.state_secret": N_("state secrets are not shared over this platform"),
    "terminal.wrong_role": N_("the person does not hold the role that the command asks for"),
    "version.no_secrecy_review": N_("the secrecy review has not been passed"),
}
"""Code of a refusal → English message id. A code that is missing here is shown as it is."""


def refusal_code(after: object) -> str:
    """The code that a refusal's entry holds; ``release.`` goes before what the one door gives as its reason, and
    ``account.`` before why an account or a program may not come in whatever it shows.

    Args:
        after: ``data.after`` of the entry; "" when it holds no code.
    """
    if not isinstance(after, dict):
        return ""
    reason = after.get("reason")
    if reason and "mode" in after:
        return str(after.get("code") or f"release.{reason}")
    return str(after.get("code") or (f"account.{reason}" if f"account.{reason}" in REASONS else ""))
