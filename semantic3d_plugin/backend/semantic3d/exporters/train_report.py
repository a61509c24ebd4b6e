"""The report of a training run: curves, figures beside plain predictors, data and split; one HTML file."""
from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Mapping

from .curves import curve_svg

_STYLE_NAME = "report.css"


@dataclass(frozen=True)
class TrainReportData:
    """What the report tells.

    Attributes:
        title: of the model; cards: value -> label, for the head.
        losses, heights, accuracies: (step, value) of each validation.
        plain_mae_m: guess of one height everywhere -> its MAE on the same pixels; plain_accuracy of the best class.
        figures: rows of a table, the first its head.
        facts: heading -> (label -> text).
        warnings: sentences the user should read.
        card: the model card, markdown.
    """

    title: str
    cards: Mapping
    losses: list
    heights: list
    accuracies: list
    plain_mae_m: Mapping
    plain_accuracy: float | None
    figures: list
    facts: Mapping = field(default_factory=dict)
    warnings: tuple = ()
    card: str = ""


def write_train_report(path: str, data: TrainReportData) -> None:
    """Write the report; the same data give the same bytes."""
    style = (Path(__file__).parent / _STYLE_NAME).read_text(encoding="utf-8")
    sections = [_cards(data.cards), _warnings(data.warnings), _curves(data), _figures(data.figures)]
    sections += [_facts(title, rows) for title, rows in data.facts.items()]
    sections.append(f"<section><h2>Model card</h2><pre>{escape(data.card)}</pre></section>" if data.card else "")
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(data.title)}</title>\n'
        f'<style>\n{style}</style>\n</head>\n<body>\n<main>\n<header><p class="kicker">Semantic3D training</p>'
        f"<h1>{escape(data.title)}</h1></header>\n" + "\n".join(part for part in sections if part)
        + "\n</main>\n</body>\n</html>\n"
    )
    Path(path).write_bytes(page.encode("utf-8"))


def _cards(cards: Mapping) -> str:
    inner = "".join(f'<div class="card"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
                    for label, value in cards.items())
    return f'<section class="cards">{inner}</section>'


def _warnings(warnings: tuple) -> str:
    if not warnings:
        return '<section class="note good"><p>No warnings.</p></section>'
    items = "".join(f"<li>{escape(text)}</li>" for text in warnings)
    return f'<section class="note warn"><h2>Please note</h2><ul>{items}</ul></section>'


def _curves(data: TrainReportData) -> str:
    plain_class = {"one class everywhere": data.plain_accuracy}
    charts = [
        ("Height error on the held-out blocks (MAE, m)", data.heights, data.plain_mae_m),
        ("Share of right classes on the held-out blocks", data.accuracies, plain_class),
        ("Training loss (running mean)", data.losses, {}),
    ]
    drawn = [f"<div><h3>{escape(title)}</h3>{curve_svg({'model': line}, title, 'steps', levels)}</div>"
             for title, line, levels in charts if line]
    return f'<section><h2>Curves</h2><div class="pair">{"".join(drawn)}</div></section>' if drawn else ""


def _figures(rows: list) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f'<section><h2>Held-out blocks</h2><table class="numbers"><tr>{head}</tr>{body}</table></section>'


def _facts(title: str, rows: Mapping) -> str:
    body = "".join(f"<tr><th>{escape(str(key))}</th><td>{escape(str(value))}</td></tr>" for key, value in rows.items())
    return f'<section><h2>{escape(title)}</h2><table class="facts">{body}</table></section>'
