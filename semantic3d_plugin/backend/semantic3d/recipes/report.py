"""A table of the paper and ours side by side, as Markdown and as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from .studies import Column, Row, Study

PAPER, HERE = "paper", "here"


def figure(figures: dict | None, row: Row, column: Column) -> float | None:
    """One of our figures, None where it was not computed."""
    return (figures or {}).get(row.group or column.group, {}).get(column.key)


def markdown(study: Study, found: dict[str, dict], facts: list[str]) -> str:
    """The table: each row as the paper prints it and, below, as it came out here.

    Args:
        found: row label -> figures by group; rows that are not there were not run.
        facts: sentences on data, machine and sizes.
    """
    columns = (*study.columns, *study.extra)
    title = f"Table {study.number}" if study.number[0] in "IVX" else study.number
    head = "| | | " + " | ".join(column.name for column in columns) + " |"
    lines = [f"# {title}: {study.title}", "", *(f"- {fact}" for fact in facts), "", head]
    lines.append("|---" * (len(columns) + 2) + "|")
    for row in study.rows:
        published = (*study.published(row), *(None,) * len(study.extra))
        lines.append(f"| {row.label} | {PAPER} | " + " | ".join(map(_cell, published)) + " |")
        if row.label in found:
            ours = [figure(found[row.label], row, column) for column in columns]
            lines.append(f"| | {HERE} | " + " | ".join(map(_cell, ours)) + " |")
    notes = [f"{row.label}: {row.remark}." for row in study.rows if row.remark and row.label in found]
    absent = [row.label for row in study.rows if row.recipe is None]
    if absent:
        notes.append(f"Published figures alone, no such network in this project: {', '.join(absent)}.")
    waiting = [row.label for row in study.rows if row.recipe is not None and row.label not in found]
    if waiting:
        notes.append(f"Not run yet: {', '.join(waiting)}.")
    return "\n".join([*lines, "", *(f"- {text}" for text in (*study.remarks, *notes))]).rstrip() + "\n"


def write_csv(path: Path, study: Study, found: dict[str, dict]) -> None:
    """One line for each figure: table, row, source (paper or here), metric, value (empty: none)."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["table", "row", "source", "metric", "value"])
        for row in study.rows:
            for column, value in zip(study.columns, study.published(row)):
                writer.writerow([study.number, row.label, PAPER, column.name, "" if value is None else value])
            if row.label not in found:
                continue
            for column in (*study.columns, *study.extra):
                value = figure(found[row.label], row, column)
                writer.writerow([study.number, row.label, HERE, column.name, "" if value is None else value])


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
