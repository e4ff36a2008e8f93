"""Who acts: the person, agency, roles and way in that every action and every evidence entry names (R120)."""

import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """The one who asks for something.

    Attributes:
        person_id: the signed-in person; None for a program or the hub itself.
        agency_id: the agency acted for; None for the hub itself and for callers nobody knows.
        agency_code: that agency's unified social credit code, as written into evidence.
        roles: role words held now, for that agency.
        office: what that agency is to the hub (``directory.agencies.models.Office``); empty for nobody's.
        client_id: the API client, when a program calls.
        responsible_id: the official who answers for the program, where it prepares something for its agency.
        address: network address of the caller; personal, so it goes into the encrypted part of an entry only.
        name: the person's name, likewise personal.
    """

    person_id: uuid.UUID | None = None
    agency_id: uuid.UUID | None = None
    agency_code: str = ""
    roles: frozenset[str] = field(default_factory=frozenset)
    client_id: str = ""
    address: str = ""
    name: str = ""
    office: str = ""
    responsible_id: uuid.UUID | None = None

    @property
    def answerable_id(self) -> uuid.UUID | None:
        """The person who answers for what is done: who does it, or who is responsible for the program (R51)."""
        return self.person_id or self.responsible_id

    def has(self, *roles: str) -> bool:
        """Whether the actor holds at least one of the roles."""
        return not self.roles.isdisjoint(roles)


HUB = Actor(roles=frozenset({"HUB"}))
NOBODY = Actor()
