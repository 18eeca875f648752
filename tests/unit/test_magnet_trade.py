"""Magnets in trade by value and by mass: the ceiling by hand, and what is refused."""

from __future__ import annotations

import pytest

from magnetflow.studies.united_kingdom import magnets, printed

# Value of imports and exports of HS 850511 in M USD by listed partners, and USGS price of Nd2O3 in USD/kg.
IMPORTS = {2017: 41.721855, 2018: 52.766205, 2019: 81.526157, 2020: 43.052303, 2021: 53.171389}
EXPORTS = {2017: 32.068749, 2018: 33.687411, 2019: 27.311012, 2020: 21.603661, 2021: 27.696850}
PRICE = {2017: 50, 2018: 50, 2019: 45, 2020: 49, 2021: 98}
ALL_OVER_LISTED = {"imports": (72796430 / 69334672, 44411836 / 41458272)}
ALL_OVER_LISTED["exports"] = (28968702 / 24911425, 24986294 / 20210208)
ND_IN_OXIDE = 2 * 144.242 / (2 * 144.242 + 3 * 15.999)


@pytest.mark.parametrize(("way", "value"), [("imports", IMPORTS), ("exports", EXPORTS)])
def test_the_ceiling_is_what_the_value_of_each_year_buys_at_its_price(way: str, value: dict[int, float]) -> None:
    factors = ALL_OVER_LISTED[way]
    bought_kt = sum(value[year] / PRICE[year] for year in PRICE) * sum(factors) / 2
    assert magnets.ceiling_t(way) == pytest.approx(1000 * bought_kt * ND_IN_OXIDE, rel=1e-5)
    most_kt = sum(value.values()) * max(factors) / 45
    assert magnets.ceiling_t(way, lenient=True) == pytest.approx(1000 * most_kt * ND_IN_OXIDE, rel=1e-5)


def test_the_printed_imports_lie_outside_the_bound_and_the_exports_between_its_ends() -> None:
    numbers = printed.numbers()["value"]
    assert magnets.ceiling_t("imports", lenient=True) < printed.net_import_t("I3.1", "E3.1") < numbers["flow.I3.1"]
    assert magnets.ceiling_t("exports") < numbers["flow.E3.1"] < magnets.ceiling_t("exports", lenient=True)


def test_the_mass_of_2017_is_an_outlier_at_a_usual_value() -> None:
    mass_kg, euros = (magnets.trade("imports", "PRODCOM", what) for what in ("mass", "value"))
    assert (euros / mass_kg).round(1).to_dict() == {2016: 7.8, 2017: 1.8, 2018: 7.1}
    assert magnets.outlier_t(2017) == pytest.approx(29427.5 - (4990.6 + 6416.5) / 2)


def test_what_a_statistic_does_not_report_is_refused() -> None:
    with pytest.raises(KeyError):
        magnets.trade("imports", "BACI, listed partners", "mass")
