"""Describe who can sign in to the embedded portal, and for whom."""

from collections.abc import Container, Iterable
from dataclasses import dataclass


class UnknownPerson(LookupError):
    """No account has this key, or the account may not act for the other person.

    `fault` says which of these, as a clause, or what else is known of them; `None` = the first.
    """

    def __init__(self, wanted: str, known: Iterable[str], fault: str | None = None) -> None:
        self.wanted = wanted
        self.known = tuple(known)
        fault = fault or f"no person called {wanted!r}"
        super().__init__(f"{fault}; known: {', '.join(self.known) or 'none'}")


@dataclass(frozen=True)
class Dependant:
    """Somebody for whom an account holder may act.

    `key` is used on the command line; `patient` is the logical id of the Patient, `fhir_user` the
    reference of the RelatedPerson who acts.
    """

    key: str
    name: str
    patient: str
    fhir_user: str


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in.

    `key` is used on the command line; `patient` is the logical id of the Patient.
    """

    key: str
    name: str
    description: str
    patient: str
    acts_for: tuple[Dependant, ...] = ()

    def resolve_patient(
        self, acting_for: str | None, accounts: Iterable["Account"] = ()
    ) -> tuple[str, str]:
        """Return the patient id and `fhirUser` of a sign-in by this account.

        `acting_for` is the key or patient id of a dependant; None means the account holder.
        `accounts` are those whose dependants an error names.

        Raises:
            UnknownPerson: The account may not act for `acting_for`.
        """
        if acting_for is None or acting_for in (self.key, self.patient):
            return self.patient, f"Patient/{self.patient}"
        for dependant in self.acts_for:
            if acting_for in (dependant.key, dependant.patient):
                return dependant.patient, dependant.fhir_user
        known = (f"{child.key} (of {each.key})" for each in accounts for child in each.acts_for)
        raise UnknownPerson(acting_for, known, f"{self.key} has no child called {acting_for!r}")


def find_account(
    accounts: Iterable[Account], key: str, without_account: Container[str] = ()
) -> Account:
    """Return the account with this key, ignoring case.

    `without_account` has the keys of people who don't sign in.

    Raises:
        UnknownPerson: There is none.
    """
    by_key = {account.key: account for account in accounts}
    wanted = key.casefold()
    if wanted in by_key:
        return by_key[wanted]
    if wanted not in without_account:
        raise UnknownPerson(key, by_key)
    acting = [each.key for each in by_key.values() if wanted in (one.key for one in each.acts_for)]
    ending = f", but {' and '.join(acting)} can act for them" if acting else ""
    raise UnknownPerson(key, by_key, f"{key!r} does not sign in{ending}")
