"""Every relative link in the project's Markdown leads to a file, and no file names what a user's clone does not have."""

import pathlib
import re
import subprocess
import sys

FORBIDDEN = ["../" + "shared", "/" + "work/", "DEVELOPERS" + ".md", "." + "library/"]

files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
wrong = []
for name in filter(None, files):
    path = pathlib.Path(name)
    if not path.is_file() or path.suffix in {".lock", ".parquet", ".png"}:
        continue
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.split("\n"), 1):
        wrong += [f"{name}:{number}: names {word}" for word in FORBIDDEN if word in line]
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
                if "://" not in target and not (path.parent / target).exists():
                    wrong.append(f"{name}:{number}: no file {target}")
print("\n".join(wrong) or f"{len(files)} files: every link leads somewhere")
sys.exit(bool(wrong))
