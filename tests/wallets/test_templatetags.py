from __future__ import annotations

from django.template import Context, Template

from wallets.templatetags.wallets import glyph

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_a_glyph_belongs_to_an_address_however_it_is_written():
    assert glyph(ADDRESS) == glyph(ADDRESS.lower())
    assert glyph(ADDRESS) != glyph("0x" + "11" * 20)


def test_a_glyph_is_mirrored_and_has_nothing_that_the_csp_forbids():
    drawn = glyph(ADDRESS)
    assert "style" not in drawn
    cells = {tuple(map(int, cell[1:4].split(" "))) for cell in drawn.split('"')[-2].split("z")[:-1]}
    assert cells == {(4 - column, row) for column, row in cells}


def test_templates_shorten_addresses():
    template = Template("{% load wallets %}{{ address|short_address }}{% glyph address %}")
    assert template.render(Context({"address": ADDRESS})).startswith("0x5aAe…eAed<svg")
