"""Moist air: how much water vapour it holds, and what a hygrometer makes of that.

Rule: vapour is carried as kg per m³ of air, because that is what people and draughts add and remove.
Saturation follows Magnus with the constants of Alduchov and Eskridge (1996), good to 0.4 % from -40 to 50 °C.
"""

from dataclasses import dataclass
from math import exp

VAPOUR_GAS_CONSTANT = 461.5  # J per kg and K
ZERO_CELSIUS_K = 273.15


@dataclass(frozen=True, slots=True)
class Air:
    """The well-mixed air of one place."""

    temp_c: float
    vapour_kg_per_m3: float

    @property
    def relative_humidity(self) -> float:
        """Percent, 0 to 100."""
        return min(100.0, 100.0 * self.vapour_kg_per_m3 / saturated_vapour_kg_per_m3(self.temp_c))


def moist_air(temp_c: float, relative_humidity: float) -> Air:
    """Return air of this temperature and relative humidity (percent)."""
    return Air(temp_c, relative_humidity / 100.0 * saturated_vapour_kg_per_m3(temp_c))


def saturation_pressure_pa(temp_c: float) -> float:
    return 610.94 * exp(17.625 * temp_c / (temp_c + 243.04))


def saturated_vapour_kg_per_m3(temp_c: float) -> float:
    return saturation_pressure_pa(temp_c) / (VAPOUR_GAS_CONSTANT * (temp_c + ZERO_CELSIUS_K))
