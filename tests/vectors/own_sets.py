"""The project's own sets: tests/vectors/<noun>/*.jsonl, one case a line: {clause, why, request, expected}."""
import json


def cases_of(path):
    def cases(_):
        for i, line in enumerate(path.read_text().splitlines(), 1):
            row = json.loads(line)
            yield f"{i} {row['why']}", row["request"], row["expected"]

    return cases


def find(here):
    return [(f"own/{path.parent.name}/{path.stem}", cases_of(path)) for path in sorted(here.glob("*/*.jsonl"))]
