"""Code 128 (ISO/IEC 15417), code set B: bars for any printable ASCII text."""

from __future__ import annotations

_SYMBOLS = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132"
    "122231113222123122123221223211221132221231213212223112312131311222321122321221312212"
    "322112322211212123212321232121111323131123131321112313132113132311211313231113231311"
    "112133112331132131113123113321133121313121211331231131213113213311213131311123311321"
    "331121312113312311332111314111221411431111111224111422121124121421141122141221112214"
    "112412122114122411142112142211241211221114413111241112134111111242121142121241114212"
    "124112124211411212421112421211212141214121412121111143111341131141114113114311411113"
    "411311113141114131311141411131211412211214211232"
)
_WIDTHS = [*(_SYMBOLS[at : at + 6] for at in range(0, len(_SYMBOLS), 6)), "2331112"]
"""Per symbol value: widths in modules of bar, space, bar, …"""
_START_B = 104
_STOP = 106
_CHECK_MODULUS = 103
_FIRST_CHARACTER = 32
_LAST_CHARACTER = 126


def code128_widths(text: str) -> list[int]:
    """Widths of bars and spaces in turn, the first a bar. Raises ValueError for other text."""
    if not text or not all(_FIRST_CHARACTER <= ord(c) <= _LAST_CHARACTER for c in text):
        raise ValueError("Code 128 B encodes printable ASCII only")
    values = [_START_B, *(ord(c) - _FIRST_CHARACTER for c in text)]
    check = sum(value * max(place, 1) for place, value in enumerate(values)) % _CHECK_MODULUS
    return [int(w) for value in (*values, check, _STOP) for w in _WIDTHS[value]]


def code128_svg(text: str, height: int = 50, quiet_modules: int = 10) -> str:
    """The barcode as an SVG image that scales to the width it is given."""
    at, bars = quiet_modules, []
    for n, width in enumerate(code128_widths(text)):
        if n % 2 == 0:
            bars.append(f'<rect x="{at}" y="0" width="{width}" height="{height}"/>')
        at += width
    total = at + quiet_modules
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" '
        f'preserveAspectRatio="none" role="img">{"".join(bars)}</svg>'
    )
