"""Stoneware in studio light: turned pots with a dipped, running glaze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.art_brush import Array, blurred, colour, fractal, grained, grid, mix, noise, step

TILT = 0.24
"""How far the camera looks down: the flattening of a circle that lies on the table."""

FORMS = (
    # Radii from foot to lip; height and widest radius, of the picture's width.
    ("bottle", (0.55, 0.8, 0.96, 1, 0.95, 0.74, 0.42, 0.24, 0.2, 0.2, 0.28), 0.79, 0.249),
    ("moon jar", (0.45, 0.7, 0.88, 0.98, 1, 0.98, 0.88, 0.7, 0.48, 0.42), 0.60, 0.313),
    ("vase", (0.5, 0.56, 0.66, 0.8, 0.93, 1, 0.96, 0.8, 0.62, 0.56, 0.64), 0.74, 0.249),
    ("bowl", (0.36, 0.4, 0.62, 0.78, 0.89, 0.96, 1), 0.31, 0.360),
    ("beaker", (0.74, 0.9, 0.93, 0.94, 0.95, 0.97, 1), 0.51, 0.220),
    (
        "gourd vase",
        (0.55, 0.86, 1, 0.96, 0.74, 0.52, 0.55, 0.62, 0.5, 0.28, 0.22, 0.28),
        0.77,
        0.261,
    ),
    ("lidless jar", (0.68, 0.9, 0.98, 1, 0.98, 0.92, 0.78, 0.62, 0.6, 0.66), 0.56, 0.278),
)

GLAZES = (
    # Backdrop, the glaze that was poured over, the glaze below, bare clay.
    ("Ash white over celadon", "#d9cdbd", "#e9e0cd", "#3f6f70", "#8a5a3c"),
    ("Tenmoku over iron red", "#cbb9ad", "#20242b", "#a4472f", "#6d4630"),
    ("Tin white over cobalt", "#c9cfcb", "#dfe3dc", "#2c4a70", "#8b6a4e"),
    ("Honey over moss", "#dfd2bb", "#c58a3d", "#5d6b41", "#7c5237"),
    ("Shino over rose", "#cfc4cc", "#efe3da", "#8c5a6b", "#7a5646"),
    ("Oatmeal over black", "#bfc3bd", "#d8cdb4", "#23282c", "#75503a"),
)


@dataclass(frozen=True, slots=True)
class Pot:
    """One pot on the table; lengths are shares of the picture's width."""

    radii: tuple[float, ...]
    height: float
    radius: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Skin:
    """The near side of a pot, pixel by pixel."""

    side: Array
    """From -1 at the left edge to 1 at the right."""
    at: Array
    """From 0 at the foot to 1 at the lip."""
    normal: tuple[Array, Array, Array]
    """Where the surface looks: right, up, to the camera."""
    solid: Array
    """How much of the pixel is pot."""
    mouth: float
    """The radius of the lip."""


def title(seed: int) -> str:
    """Say which glazes and which form a picture shows."""
    return f"{_glaze(seed)[0]}, {FORMS[seed % len(FORMS)][0]}"


def _glaze(seed: int) -> tuple[str, str, str, str, str]:
    return GLAZES[(seed + seed // 6 * 2) % len(GLAZES)]


def draw(random: np.random.Generator, seed: int, width: int, height: int) -> Array:
    """Draw one pot, in every other picture with a small one beside it."""
    backdrop, lip, body, clay = (colour(code) for code in _glaze(seed)[1:])
    _, radii, tall, wide = FORMS[seed % len(FORMS)]
    x, y = grid(width, height)
    table = 0.83 * height / width
    light = 1.1 - 0.42 * np.hypot(x - 0.3, (y - 0.4) * 0.8)
    floor = step(y, table - 0.22, table - 0.02)
    picture = backdrop * (light * (1 - 0.1 * floor))[..., None]
    pots = [Pot(radii, tall * random.uniform(0.94, 1.06), wide, random.uniform(0.45, 0.55), table)]
    if seed % 2:
        side = random.choice([-1.0, 1.0])
        small = FORMS[(3, 4)[seed % 4 // 2]]
        at = float(np.clip(pots[0].x + side * (wide + 0.12), 0.16, 0.84))
        pots.append(Pot(small[1], small[2] * 0.42, small[3] * 0.44, at, table + 0.065))
    for pot in pots:
        picture = _shadowed(picture, pot, x, y)
    for index, pot in enumerate(pots):
        glazes = (lip, body, clay) if index == 0 else (body, lip, clay)
        picture = _stood(random, picture, pot, glazes)
    toned = np.clip(picture, 0, 1) ** 0.94
    toned *= (1.03 - 0.3 * ((x - 0.5) ** 2 + (y / y[-1, 0] - 0.5) ** 2))[..., None]
    return grained(random, toned, 0.011)


def _shadowed(picture: Array, pot: Pot, x: Array, y: Array) -> Array:
    """Lay the long soft shadow and the dark contact under the foot."""
    foot = pot.radii[0] * pot.radius
    long_x = (x - pot.x - 0.16 * pot.height - foot * 0.6) / (foot + 0.34 * pot.height)
    long_y = (y - pot.y + foot * TILT * 0.4) / (foot * 0.42 + 0.02)
    cast = step(np.hypot(long_x, long_y), 1.25, 0.1) * 0.42
    near = np.hypot((x - pot.x) / foot, (y - pot.y + foot * TILT * 0.15) / (foot * TILT * 1.15))
    contact = step(near, 1.28, 0.85) * 0.6
    shade = 1 - (1 - cast) * (1 - contact)
    return mix(picture, picture * colour("#3a2c2a"), shade)


def _stood(
    random: np.random.Generator, picture: Array, pot: Pot, glazes: tuple[Array, Array, Array]
) -> Array:
    """Put a pot on the picture: its glazed and lit skin, the dark inside, the lip."""
    height, width = picture.shape[:2]
    left, right = (round((pot.x + s * pot.radius) * width) + 3 * s for s in (-1, 1))
    top = round((pot.y - pot.height - pot.radius * TILT) * width) - 3
    bottom = round((pot.y + pot.radius * TILT) * width) + 3
    window = np.s_[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    x, y = (axis[window] for axis in grid(width, height))
    skin = _skin(pot, x - pot.x, pot.y - y, 1 / width)
    lip, _, clay = glazes
    across = (x - pot.x) / skin.mouth
    opening = np.hypot(across, (pot.y - y - pot.height) / (skin.mouth * TILT))
    inside = lip * (0.3 + 0.26 * step(across, -0.7, 0.9) + 0.14 * step(opening, 0.4, 1))[..., None]
    rim = mix(lip * 1.04, clay, 0.35) * (1.0 - 0.16 * across)[..., None]
    soft = 1.5 / (width * skin.mouth * TILT)
    lit = _lit(_glazed(random, skin, glazes), skin)
    painted = mix(picture[window], lit, skin.solid)
    painted = mix(painted, rim, step(opening, 1 + soft, 1 - soft))
    painted = mix(painted, inside, step(opening, 0.94 + soft, 0.94 - soft))
    result = picture.copy()
    result[window] = painted
    return result


def _skin(pot: Pot, across: Array, up: Array, pixel: float) -> Skin:
    """Find the near side of a pot, of which `across` and `up` are measured from the foot."""
    ts = np.linspace(0, 1, 160)
    profile = np.interp(ts, np.linspace(0, 1, len(pot.radii)), pot.radii) * pot.radius
    kernel = np.hanning(35) / np.hanning(35).sum()
    profile = np.pad(profile, 17, "reflect", reflect_type="odd")
    profile = np.convolve(profile, kernel, "valid")
    slope = np.gradient(profile, ts * pot.height)
    # The camera looks down: the near side of a ring lies lower than its middle.
    at = np.clip(up, 0, pot.height)
    for _ in range(9):
        radius = np.interp(at / pot.height, ts, profile)
        near = np.sqrt(np.maximum(radius**2 - across**2, 0))
        at = (at + np.clip(up + TILT * near, 0, pot.height)) / 2
    radius = np.interp(at / pot.height, ts, profile)
    leaning = np.interp(at / pot.height, ts, slope)
    beyond = np.maximum(up + TILT * near - pot.height, -(up + TILT * near))
    solid = np.clip((radius - np.abs(across)) / (1.5 * pixel) - 1, 0, 1)
    solid *= np.clip(0.5 - beyond / pixel, 0, 1)
    side = np.clip(across / radius, -1, 1)
    flat = 1 / np.sqrt(1 + leaning**2)
    normal = (side * flat, -leaning * flat, np.sqrt(1 - side**2) * flat)
    return Skin(side, at / pot.height, normal, solid, float(profile[-1]))


def _glazed(
    random: np.random.Generator, surface: Skin, glazes: tuple[Array, Array, Array]
) -> Array:
    """Return the colours of the skin: clay at the foot, one glaze, the other run over it."""
    lip, body, clay = glazes
    side, at = surface.side, surface.at
    height, width = side.shape
    clouds = fractal(random, width, height, 4, 5)
    angle = np.arcsin(side) / np.pi + 0.5
    table = np.linspace(0, 1, 256)
    run = np.interp(table, np.linspace(0, 1, 9), random.uniform(-0.05, 0.05, 9))
    for _ in range(random.integers(5, 10)):
        drop, thin = random.uniform(0.04, 0.2), random.uniform(0.012, 0.032)
        run -= drop * np.exp(-(((table - random.random()) / thin) ** 2))
    edge = np.interp(angle, table, run + random.uniform(0.5, 0.62)) + (clouds - 0.5) * 0.05
    above = at - edge
    skin = mix(body * (0.82 + 0.4 * clouds)[..., None], lip, step(above, -0.006, 0.022))
    pooled = np.exp(-((above / 0.022) ** 2)) * 0.42
    skin = mix(skin, body * lip * 0.75, pooled)
    skin *= (0.92 + 0.16 * fractal(random, width, height, 14, 3))[..., None]
    specks = step(noise(random, width, height, 120), 0.86, 1.02) * (0.35 + 0.4 * (above > 0))
    skin = mix(skin, clay * 0.45, specks)
    thin_lip = step(at, 0.965, 0.995) * 0.5
    skin = mix(skin, mix(clay, lip, 0.4), thin_lip)
    bare = step(at, 0.078, 0.066) if random.random() < 0.8 else step(at, 0.03, 0.02)
    return mix(skin, clay * (0.85 + 0.3 * clouds)[..., None], bare)


def _lit(colours: Array, surface: Skin) -> Array:
    """Light the skin: a window on the left, the table's bounce, the window's reflection."""
    nx, ny, nz = surface.normal
    key = np.clip(-0.62 * nx + 0.4 * ny + 0.68 * nz, 0, 1)
    bounce = np.clip(-ny * 0.5 + 0.25 * nx, 0, 1)
    shade = 0.2 + 0.9 * key**1.15 + 0.13 * bounce
    reflected_x, reflected_y = 2 * nz * nx, 2 * nz * ny
    pane = step(nz, 0.36, 0.46) * step(reflected_x, -0.52, -0.62)
    pane *= step(reflected_y, -0.34, -0.2) * step(reflected_y, 0.82, 0.66)
    edge = (1 - np.clip(nz, 0, 1)) ** 4
    warm = np.array([1.04, 1.0, 0.95], np.float32)
    lit = colours * shade[..., None] * warm
    gloss = blurred(np.clip(pane, 0, 1), 2.0) * 0.38 + edge * 0.1
    shining: Array = lit + gloss[..., None] * (1 - lit * 0.5)
    return shining
