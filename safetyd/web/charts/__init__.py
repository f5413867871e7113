"""Charts as SVG text: a range of rooms, the last hours of one, a building by days.

Rule: values in, text out; no file, no clock. Nothing is said by colour alone, and no style stands in the
markup: what a chart looks like is in `static/charts.css`.
"""
