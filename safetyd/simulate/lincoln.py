"""Lincoln High School: the invented building that every scenario happens in.

Rule: numbers are of the size an engineer would find in an uninsulated two-storey school of the 1950s. The
second floor lies under a flat roof and warms with it; the ground floor rests on a slab and cools with it.
"""

from safetyd.simulate.school import Room, School, Use
from safetyd.simulate.weather import Place

NORTH, EAST, SOUTH, SOUTH_WEST, WEST = 0.0, 90.0, 180.0, 225.0, 270.0

# Heat that follows the air within the hour: furniture, linings, and the skin of floors and walls.
LIGHT_J_PER_M2_K = 120_000.0
HEAVY_J_PER_M2_K = 170_000.0


def upper_classroom(id: str, subject: str, facing_deg: float, window_m2: float, seats: int) -> Room:
    return Room(
        id, f"Room {id}, {subject}", Use.CLASSROOM, seats, floor_area_m2=80, height_m=3.2,
        heat_capacity_j_per_k=80 * LIGHT_J_PER_M2_K, envelope_w_per_k=150, window_m2=window_m2,
        facing_deg=facing_deg, heater_w=14_000, roof_m2=80,
    )  # fmt: skip


def ground_classroom(id: str, subject: str, facing_deg: float, window_m2: float, seats: int) -> Room:
    return Room(
        id, f"Room {id}, {subject}", Use.CLASSROOM, seats, floor_area_m2=80, height_m=3.2,
        heat_capacity_j_per_k=80 * HEAVY_J_PER_M2_K, envelope_w_per_k=70, window_m2=window_m2,
        facing_deg=facing_deg, heater_w=10_000, floor_w_per_k=130,
    )  # fmt: skip


LINCOLN = School(
    id="lincoln",
    name="Lincoln High School",
    timezone="America/Los_Angeles",
    place=Place(latitude_deg=45.5, longitude_deg=-122.7),
    rooms=(
        upper_classroom("204", "chemistry", SOUTH_WEST, window_m2=16, seats=30),
        upper_classroom("203", "mathematics", SOUTH, window_m2=12, seats=32),
        upper_classroom("201", "English", WEST, window_m2=12, seats=28),
        ground_classroom("112", "art", EAST, window_m2=9, seats=24),
        ground_classroom("110", "history", NORTH, window_m2=10, seats=30),
        Room(
            "gym", "Gymnasium", Use.GYM, seats=45, floor_area_m2=600, height_m=7.5,
            heat_capacity_j_per_k=600 * HEAVY_J_PER_M2_K, envelope_w_per_k=1_100, window_m2=30,
            facing_deg=NORTH, heater_w=90_000, roof_m2=600, floor_w_per_k=900,
        ),
        Room(
            "library", "Library", Use.LIBRARY, seats=50, floor_area_m2=220, height_m=3.5,
            heat_capacity_j_per_k=220 * HEAVY_J_PER_M2_K, envelope_w_per_k=150, window_m2=24,
            facing_deg=NORTH, heater_w=20_000, floor_w_per_k=250,
        ),
        Room(
            "office", "Main office", Use.OFFICE, seats=8, floor_area_m2=60, height_m=3.0,
            heat_capacity_j_per_k=60 * HEAVY_J_PER_M2_K, envelope_w_per_k=45, window_m2=6,
            facing_deg=SOUTH, heater_w=6_000, floor_w_per_k=90,
        ),
    ),
)  # fmt: skip
