"""The errors a user can meet: a code for scripts, a message for people, a hint that says what to do next."""

from __future__ import annotations


class PhysiclError(Exception):
    """Base of every error that physicl_twin raises on purpose.

    Args:
        code: Stable snake_case identifier that scripts may branch on.
        message: What happened, to which source, in one sentence.
        hint: What to do next, in one sentence.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[type[PhysiclError], tuple[str, str, str]]:
        """Pickle by the three fields, so that an error crosses a process boundary whole."""
        return type(self), (self.code, self.message, self.hint)

    def to_json(self) -> dict[str, str]:
        """The error object of the ``--json`` contract."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class SourceError(PhysiclError):
    """A source file cannot be read: missing, broken, unsupported or unsafe."""


class GeometryError(PhysiclError):
    """Geometry from which no physical quantity can be derived."""


class MaterialError(PhysiclError):
    """A material statement that cannot be resolved."""


class ConfigError(PhysiclError):
    """A configuration file or option with a wrong value."""


class UsdError(PhysiclError):
    """A USD asset that cannot be written or read back."""


class EngineError(PhysiclError):
    """A physics engine that is missing or refused the scene."""


class ValidationError(PhysiclError):
    """A validation that could not be carried out (not one that was carried out and failed)."""


class JobError(PhysiclError):
    """A worker that crashed, ran out of time or memory, or was cancelled."""


class OutputError(PhysiclError):
    """A place where results cannot be written."""
