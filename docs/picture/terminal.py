#!/usr/bin/env python3
"""Draws what a terminal showed as an SVG.

    docs/picture/record.sh              records the quick start and draws its second step
    terminal.py <RECORDING >PICTURE.svg
"""
import re
import sys
import unicodedata
import xml.sax.saxutils

SIZE, LINE, CELL, MARGIN, BAR = 14, 20, 8.43, 22, 38
BACKGROUND, FOREGROUND = "#16181d", "#d6d9e0"
COLOURS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd"}


def spans(line, style):
    """Pieces of text with the style that each has; the style that is left at the end comes last."""
    out = []
    for text, codes in re.findall(r"([^\x1b]*)(?:\x1b\[([0-9;]*)m|\x1b\[[0-9;]*[A-Za-z]|$)", line):
        if text:
            out.append((text, dict(style)))
        for code in (int(c or 0) for c in codes.split(";") if codes or c):
            if code == 0:
                style = {}
            elif code == 1:
                style["font-weight"] = "bold"
            elif code == 2:
                style["fill-opacity"] = "0.62"
            elif code in COLOURS:
                style["fill"] = COLOURS[code]
    return out, style


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def draw(lines):
    style, rows, columns = {}, [], 0
    for number, line in enumerate(lines):
        pieces, style = spans(line, style)
        at, row = 0, ""
        for text, attributes in pieces:
            given = "".join(f' {name}="{value}"' for name, value in attributes.items())
            # Each piece is put where a terminal has it, whatever font the reader has.
            row += (f'<tspan x="{MARGIN + at * CELL:.1f}" textLength="{width(text) * CELL:.1f}"{given}>'
                    f"{xml.sax.saxutils.escape(text)}</tspan>")
            at += width(text)
        columns = max(columns, at)
        if row:
            rows.append(f'<text y="{BAR + MARGIN + number * LINE}" xml:space="preserve">{row}</text>')
    across, down = round(2 * MARGIN + columns * CELL), BAR + MARGIN + len(lines) * LINE
    dots = "".join(f'<circle cx="{MARGIN + 20 * i}" cy="20" r="6" fill="{fill}"/>'
                   for i, fill in enumerate(("#ff5f57", "#febc2e", "#28c840")))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" viewBox="0 0 {across} {down}" '
            f'font-family="ui-monospace, SFMono-Regular, Menlo, \'DejaVu Sans Mono\', monospace" font-size="{SIZE}" '
            f'fill="{FOREGROUND}">\n<rect width="{across}" height="{down}" rx="10" fill="{BACKGROUND}"/>\n{dots}\n'
            + "\n".join(rows) + "\n</svg>\n")


if __name__ == "__main__":
    sys.stdout.write(draw(sys.stdin.read().replace("\r\n", "\n").strip("\n").split("\n")))
