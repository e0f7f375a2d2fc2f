"""Archives that cannot hurt: members are counted, weighed and named before one byte is unpacked."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import TracebackType
from typing import IO, Self

from physicl_twin.ingest.guards import damaged
from physicl_twin.ingest.ingest_settings import ArchiveLimits
from physicl_twin.model import SourceError

#: Members below this size are not judged by their own ratio: a page of blanks is no bomb.
_RATIO_FLOOR_BYTES = 1_000_000
_BLOCK = 1 << 20


class SafeZip:
    """A zip whose table of contents was checked against limits; a context manager.

    Args:
        path: The archive.
        limits: What it may unpack to.

    Raises:
        SourceError: ``file_damaged``, ``archive_bomb``, ``archive_encrypted``, ``archive_unsafe_name``,
            ``archive_link``.
    """

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.name = path.name
        self._limits = limits
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
            raise damaged(path.name, f"the archive's table of contents is broken ({error}).") from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        try:
            self._check(path.stat().st_size)
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def _check(self, packed_bytes: int) -> None:
        infos = self._zip.infolist()
        limits = self._limits
        total = sum(info.file_size for info in infos)
        if len(infos) > limits.max_members or total > limits.max_total_bytes:
            raise self._bomb(f"{len(infos)} members of {total / 1e9:.3g} GB in all")
        if total > _RATIO_FLOOR_BYTES and total > limits.max_ratio * packed_bytes:
            raise self._bomb(f"{total / 1e6:.3g} MB packed into {packed_bytes / 1e6:.3g} MB")
        for info in infos:
            if info.file_size > max(_RATIO_FLOOR_BYTES, limits.max_ratio * info.compress_size):
                raise self._bomb(f"{info.filename[:80]!r} grows {info.file_size / max(info.compress_size, 1):.0f}-fold")
            if info.flag_bits & 0x1:
                raise SourceError(
                    "archive_encrypted",
                    f"{self.name}: {info.filename[:80]!r} is encrypted.",
                    "Unpack it with its password first.",
                )
            mode = info.external_attr >> 16
            if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise SourceError(
                    "archive_link",
                    f"{self.name}: {info.filename[:80]!r} is a link or a device.",
                    "Pack plain files only.",
                )
            self._members[self._safe_name(info.filename)] = info

    def _bomb(self, what: str) -> SourceError:
        return SourceError(
            "archive_bomb",
            f"{self.name} unpacks beyond the limits: {what}.",
            "Unpack it yourself, or raise [ingest.archive].",
        )

    def _safe_name(self, name: str) -> str:
        text = name.replace("\\", "/")
        pure = PurePosixPath(text)
        windows = PureWindowsPath(text)
        if not text or pure.is_absolute() or windows.drive or windows.root or ".." in pure.parts or "\0" in text:
            raise SourceError(
                "archive_unsafe_name",
                f"{self.name} holds a file named {name[:80]!r}, outside itself.",
                "Do not trust this archive.",
            )
        return pure.as_posix() + ("/" if text.endswith("/") else "")

    @property
    def names(self) -> tuple[str, ...]:
        """Safe names of the members that are files, in the archive's order."""
        return tuple(name for name in self._members if not name.endswith("/"))

    def size(self, name: str) -> int:
        """Unpacked size of a member, bytes."""
        return self._members[name].file_size

    def blocks(self, name: str) -> Iterator[bytes]:
        """Bytes of a member, block by block.

        Raises:
            SourceError: ``file_damaged`` when the member is broken or longer than it says.
        """
        info = self._members[name]
        left = info.file_size
        try:
            with self._zip.open(info) as stream:
                while block := stream.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise damaged(self.name, f"{name[:80]!r} is longer than it says.")
                    yield block
        except (
            zipfile.BadZipFile,
            zlib.error,
            lzma.LZMAError,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ) as error:
            raise damaged(self.name, f"{name[:80]!r} cannot be unpacked ({error}).") from error
        if left:
            raise damaged(self.name, f"{name[:80]!r} is shorter than it says.")

    def read(self, name: str) -> bytes:
        """All bytes of a member."""
        return b"".join(self.blocks(name))

    def open_head(self, name: str) -> IO[bytes]:
        """A stream on a member, for sniffing."""
        return self._zip.open(self._members[name])


def extract(path: Path, folder: Path, limits: ArchiveLimits, depth: int = 0, budget: int | None = None) -> int:
    """Unpack an archive, and archives inside it, below ``folder``.

    Args:
        path: The archive.
        folder: An existing empty folder.
        limits: Limits over everything together.
        depth: How many archives this one lies in.
        budget: Bytes left of the total; None for all.

    Returns:
        Bytes written.

    Raises:
        SourceError: As ``SafeZip``, and ``archive_nested`` for archives too deep inside each other.
    """
    if depth > limits.max_depth:
        raise SourceError(
            "archive_nested", f"{path.name} lies {depth} archives deep.", "Unpack the inner archives first."
        )
    left = limits.max_total_bytes if budget is None else budget
    written = 0
    nested: list[Path] = []
    with SafeZip(path, limits) as archive:
        if sum(archive.size(name) for name in archive.names) > left:
            raise SourceError(
                "archive_bomb",
                f"{path.name} unpacks beyond the limits.",
                "Unpack it yourself, or raise [ingest.archive].",
            )
        for name in archive.names:
            target = folder.joinpath(*PurePosixPath(name).parts)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as stream:
                    for block in archive.blocks(name):
                        written += stream.write(block)
            except FileExistsError as error:
                raise damaged(path.name, f"it holds {name[:80]!r} twice.") from error
            except OSError as error:
                raise SourceError(
                    "archive_not_unpacked",
                    f"{path.name}: {name[:80]!r} cannot be written ({error.strerror}).",
                    "Check the room in the work folder, and the member's name.",
                ) from error
            if target.suffix.lower() == ".zip":
                nested.append(target)
    for inner in nested:
        inside = inner.with_suffix("")
        while inside.exists():
            inside = inside.with_name(inside.name + "_")
        inside.mkdir()
        written += extract(inner, inside, limits, depth + 1, left - written)
        inner.unlink()
    return written
