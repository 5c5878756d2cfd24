"""The peer: what people write instead. FastAPI, pydantic models of the same KYC, SQLAlchemy, one row, one commit.

On PostgreSQL, or on SQLite with WAL and synchronous=FULL, as the gateway's.
No signature, no rules, no case, no encryption, no delivery.
"""

import os
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import JSON, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

Name = Annotated[str, Field(min_length=1, max_length=120)]
Reference = Annotated[str, Field(pattern=r"^[0-9A-Za-z._:/-]{1,64}$")]
Date = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Institution = Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]


class Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class Money(Part):
    value: Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Digest(Part):
    algorithm: Literal["SHA256", "SM3"]
    value: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class File(Part):
    name: Name
    media_type: str | None = None
    digest: Digest
    size: str | None = None


class Document(Part):
    type: str
    number: Annotated[str, Field(pattern=r"^[0-9A-Za-z()/-]{1,40}$")]
    issuer: Name | None = None
    issuing_country: str | None = None
    valid_from: Date | None = None
    valid_until: Date | None = None
    long_term: bool | None = None
    image: File | None = None


class Address(Part):
    use: str | None = None
    country: str
    region: str | None = None
    detail: str
    postal_code: str | None = None


class Contact(Part):
    mobile: str | None = None
    phone: str | None = None
    email: str | None = None


class Account(Part):
    number: str
    name: str
    bank_name: str | None = None
    cnaps: str | None = None
    currency: str | None = None


class Party(Part):
    party_id: Reference
    kind: Literal["NATURAL_PERSON", "INSTITUTION", "PRODUCT"]
    name: Name
    name_latin: str | None = None
    documents: Annotated[list[Document], Field(min_length=1)]
    nationality: str | None = None
    birth_date: Date | None = None
    gender: Literal["MALE", "FEMALE"] | None = None
    marital_status: str | None = None
    occupation: str | None = None
    employer: str | None = None
    contact: Contact | None = None
    addresses: list[Address] | None = None
    bank_accounts: list[Account] | None = None


class RelatedParty(Part):
    party: Party
    roles: list[str]


class Kyc(Part):
    application_no: Reference
    applicant: Party
    related_parties: list[RelatedParty] | None = None
    annual_income: Money | None = None
    financial_assets: Money | None = None
    source_of_funds: str | None = None
    purpose: str | None = None
    crs: dict[str, Any] | None = None
    politically_exposed: bool | None = None
    risk_assessment: dict[str, Any] | None = None
    qualified_investor: dict[str, Any] | None = None
    beneficial_owners: list[dict[str, Any]] | None = None
    related_party_of_trustee: bool | None = None
    consent: dict[str, Any] | None = None
    face_recognition_reference: str | None = None


class Header(Part):
    message_id: str
    standard_version: str
    sender: Institution
    receiver: Institution
    channel_id: str | None = None
    case_id: Reference | None = None
    partner_serial: str | None = None
    business_date: Date | None = None
    branch: str | None = None
    operator: str | None = None
    created_at: datetime
    test: bool | None = None


class Message(Part):
    header: Header
    kyc_application: Kyc


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(36), unique=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


engine = create_engine(os.environ["PEER_DATABASE"])


def _configure(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


if engine.dialect.name == "sqlite":
    event.listen(engine, "connect", _configure)
Base.metadata.create_all(engine)
app = FastAPI()


@app.post("/messages", status_code=202)
def accept(message: Message) -> dict[str, int]:
    with Session(engine) as session:
        row = Row(message_id=message.header.message_id, content=message.model_dump(mode="json"))
        session.add(row)
        session.commit()
        return {"id": row.id}
