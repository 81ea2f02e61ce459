"""Prints what PyIceberg says of every table below a folder as JSON, by dotted folder path.

Usage: pyiceberg_fixtures.py <folder>

The tables were copied away from where they were written: locations are mapped. A table that
PyIceberg cannot open is reported under "unreadable" with its reason.
"""

import gzip
import json
import re
import sys
from pathlib import Path

from pyiceberg.table import StaticTable

from pyiceberg_figures import figures


def current_metadata(folder: Path) -> Path:
    """The hint's file where it names one, else the highest version."""
    hint = folder / "version-hint.text"
    if hint.exists():
        stem = hint.read_text().strip()
        for name in (
            f"v{stem}.metadata.json", f"v{stem}.gz.metadata.json", f"{stem}.metadata.json",
        ):
            if (folder / name).exists():
                return folder / name
    versioned = []
    for path in folder.glob("*.metadata.json"):
        match = re.match(r"v?(\d+)(?:-[0-9a-f-]+)?(?:\.gz)?\.metadata\.json$", path.name)
        if match:
            versioned.append((int(match.group(1)), path))
    return max(versioned)[1]


def open_table(root: Path, folder: Path) -> StaticTable:
    path = current_metadata(folder / "metadata")
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    recorded = json.loads(raw)["location"]
    return StaticTable.from_metadata(
        str(path),
        properties={
            "py-io-impl": "pyiceberg_figures.MappedFileIO",
            "mapped.from": recorded,
            "mapped.to": str(folder),
        },
    )


def main(root: Path) -> None:
    tables, unreadable = {}, {}
    for metadata in sorted(root.glob("**/metadata")):
        folder = metadata.parent
        name = ".".join(folder.relative_to(root).parts)
        try:
            tables[name] = figures(open_table(root, folder))
        except Exception as error:
            unreadable[name] = f"{type(error).__name__}: {error}"
    print("FIGURES " + json.dumps({"tables": tables, "unreadable": unreadable}))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
