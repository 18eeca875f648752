"""Can the chapters run with these years and elements?"""

from __future__ import annotations

from collections.abc import Sequence

from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import wind


def check(years: Sequence[int], elements: Sequence[str]) -> None:
    """Raise InputError when a year or an element is not in the tables, or stands twice."""
    additions = wind.additions_mw().sel(vintage=list(wind.PLANNING_DATABASE)).dropna("year")
    covered = sorted(set(additions.year.values.tolist()) & set(wind.net_additions_mw().year.values.tolist()))
    known = wind.intensity_kg_per_mw().element.values.tolist()
    for year in years:
        if year not in covered:
            raise InputError(f"years: {year} is not in the tables, which cover {covered[0]} to {covered[-1]}")
    for element in elements:
        if element not in known:
            raise InputError(f"elements: {element} is not in the tables, which hold {', '.join(known)}")
    if list(years) != list(range(min(years), max(years) + 1)):
        raise InputError("years: give one run of years, such as 2017-2021, so that stocks and flows fit together")
    if len(set(elements)) < len(elements):
        raise InputError("elements: each may stand only once")
