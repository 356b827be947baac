"""Why a result cannot be used."""


class ResultError(Exception):
    """A result is missing, is none, or is of a version that this loader does not know; says which, and the cure."""
