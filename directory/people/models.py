"""People, their accounts, roles and appointments; sessions; programs that call for an agency."""

import uuid
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Line, Moment, one_of
from directory.agencies.models import Agency
from directory.people.roles import Role


class Person(Base):
    """An official of one agency."""

    __tablename__ = "person"

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    name: Mapped[Line]
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    left_at: Mapped[Moment | None]
    agency: Mapped[Agency] = relationship()


EMERGENCY = "EMERGENCY"
"""Marks, among an actor's roles, what was done with the emergency account (``directory.people.glass``)."""


class Account(Base):
    """A person's way to sign in: login and argon2 hash, with the count that locks it out.

    The emergency account alone has ``sealed_at``; it lets nobody in but until ``open_until``. A password that another
    person set (``given_at``) is for its owner to change (``owned_at``) before anything else;
    ``was_reset`` tells one that took the place of another from the first.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("login"), UniqueConstraint("person_id"))

    id: Mapped[Identity]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    login: Mapped[Code]
    password_hash: Mapped[Line]
    language: Mapped[Code] = mapped_column(default="zh_Hans_CN")
    failures: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[Moment | None]
    frozen_at: Mapped[Moment | None]
    sealed_at: Mapped[Moment | None]
    open_until: Mapped[Moment | None]
    given_at: Mapped[Moment | None]
    owned_at: Mapped[Moment | None]
    was_reset: Mapped[bool] = mapped_column(default=False, server_default="false")
    person: Mapped[Person] = relationship()


class RoleAssignment(Base):
    """A role held by a person, dated (R24: appointments with dates)."""

    __tablename__ = "role_assignment"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role"),
        CheckConstraint("held_to IS NULL OR held_to >= held_from", name="term"),
        Index(
            "uq_role_assignment_separated",
            "person_id",
            unique=True,
            postgresql_where=(
                "held_to IS NULL AND role IN"
                " ('SYSTEM_ADMINISTRATOR', 'SECURITY_ADMINISTRATOR', 'AUDIT_ADMINISTRATOR', 'AUDITOR')"
            ),
        ),
        Index("uq_role_assignment_open", "person_id", "role", unique=True, postgresql_where="held_to IS NULL"),
    )

    id: Mapped[Identity]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[Code]
    held_from: Mapped[date]
    held_to: Mapped[date | None]


class DataAdministrator(Base):
    """The appointment of a data administrator (数据资源管理员) and deputy, filed with the regulator ([M] Art. 21)."""

    __tablename__ = "data_administrator"
    __table_args__ = (
        CheckConstraint("deputy_id IS NULL OR deputy_id <> person_id", name="deputy_differs"),
        Index("uq_data_administrator_open", "agency_id", unique=True, postgresql_where="ended_on IS NULL"),
    )

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    deputy_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    appointed_on: Mapped[date]
    filed_on: Mapped[date | None]
    ended_on: Mapped[date | None]


class SignIn(Base):
    """A signed-in browser: the cookie holds a random token, this row its SHA-256."""

    __tablename__ = "sign_in"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    account: Mapped[Account] = relationship()


class ApiClient(Base):
    """A program of an agency that calls the API with client credentials."""

    __tablename__ = "api_client"
    __table_args__ = (UniqueConstraint("client_id"),)

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    client_id: Mapped[Code]
    secret_hash: Mapped[Line]
    name: Mapped[Line]
    responsible_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    agency: Mapped[Agency] = relationship()


class ApiToken(Base):
    """A short-lived bearer token of a client; only its SHA-256 is kept."""

    __tablename__ = "api_token"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    api_client_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("api_client.id"), index=True)
    expires_at: Mapped[Moment]
    api_client: Mapped[ApiClient] = relationship()
