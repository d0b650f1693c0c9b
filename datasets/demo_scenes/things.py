"""The things of a scene, as a table of their parts.

A thing stands at (0, 0) and is about 1 high; x runs to the right, y upwards. Its variants, the
common ones first, end with ";". A part is a material, a shape and the shape's numbers; later parts
cover earlier ones. A number may depend on the knobs a, b and c of each thing, -1..1, and on the
side s of the light: .3+.1a is .2 to .4. A material may carry a digit, which tells its colors apart,
and a sign: "+" is lighter, "-" darker, and half of the things are without what has "?".
"""

from datasets.demo_scenes.canvas import Material

# Houses, cars, boats, clothes and balloons share these, so that a color says nothing of a class.
_PAINTS = (
    "c7332b 9e212e e06b2e edad38 f2d680 ede6d1 f7f7f2 ccbda3 946b4d 61422f 668c47 386b45 8cb89e "
    "338085 73add1 2e61a8 293361 755794 d98c9e e6b8ad 737880 333639"
)
_LEAVES = (
    "336b29 336b29 4d802e 4d802e 6b8c38 6b8c38 245233 245233 336157 85853d cc8c29 c75c24 9e2e24 "
    "e6a3b3 75384d"
)
MATERIALS = {
    "bark": Material("5c4230 8a7a68 735c4a", grain=0.12, mottle=0.1, shade=0.5),
    "cloth": Material(_PAINTS, grain=0.07, mottle=0.05, shade=0.35),
    "dark": Material("1d1e20 293333"),
    "glass": Material("42576b 2e3d4a 5c7585", grain=0.03, shade=0.5),
    "hair": Material("1f1714 52331f 9e5c2e dbb86b b8b8b8"),
    "lamp": Material("fff2bf"),
    "leaf": Material(_LEAVES, 0.13, 0.22, 0.15, bulge=0.7, rough=0.12, vary=0.1),
    "paint": Material(_PAINTS, grain=0.03, shade=0.45),
    "pane": Material("4d6680 2e3d52 5f7a8c ffd673", grain=0.03, shade=0.5, vary=0.3),
    "plank": Material(_PAINTS, grain=0.08, shade=0.3, lines=0.14),
    "roof": Material(_PAINTS, lines=0.2),
    "shade": Material("000000"),  # Shadow: darkens, and does not show in the mask.
    "silk": Material(_PAINTS, 0.03, 0.03, 0.1, bulge=0.75),
    "skin": Material("f2c7a8 dba380 a87352 6b4733", grain=0.03),
    "stone": Material("807870 6e6a66 8c7f70 6b5f5f", 0.14, 0.2, bulge=0.6, rough=0.13),
    "wall": Material(_PAINTS, 0.07, 0.04, lines=0.14),
    "white": Material("ede9de"),
}

_WHEELS = """
dark oval -.8 .24 .26 .26, dark- oval -.8 .22 .21 .21, white- oval -.8 .22 .11 .11,
dark oval .78 .24 .26 .26, dark- oval .78 .22 .21 .21, white- oval .78 .22 .11 .11"""
_HULL = """
shade poly -.54 0 .58 0 .45 -.32 -.45 -.29,
plank poly -.49 -.01 -.58 .23 .4 .24 .64 .3 .55 .12 .43 -.01,
paint2 poly -.58 .18 .6 .22 .64 .3 .4 .24 -.58 .23, shade box -.51 -.03 .51 .1"""
_BASKET = """
dark limb -.12 .3 -.06 .1 .01 .01, dark limb .12 .3 .06 .1 .01 .01, bark box -.085 0 .085 .13,
silk poly -.34 .5 .34 .5 .12 .26 -.12 .26,"""
THINGS = {
    # Gable to the front with a second wall to the side; eaves to the front; a shop below flats.
    "house": """
shade oval -.2s .02 .7 .07, stone? box .14 .6 .26 1.02, wall- box .4 0 .9+.2a .58,
white grid .43 .2 .87+.2a .48 2 1 .6 .7, pane grid .43 .2 .87+.2a .48 2 1 .46 .56,
roof poly 0 1 .5+.2a 1 .96+.2a .54 .44 .54, wall poly -.4 0 .4 0 .4 .58 0 1 -.4 .58,
white grid -.38 .24 .38 .48 3 1 .66 .9, pane grid -.38 .24 .38 .48 3 1 .52 .76,
white grid -.38 .24 .38 .48 3 1 .08 .76, wall box -.13 .2 .13 .5, white box -.11 0 .11 .41,
paint box -.08 0 .08 .38, pane box -.05 .23 .05 .34, white box -.11 .63 .11 .82,
pane grid -.11 .63 .11 .82 2 1 .8 .8, roof+ limb 0 1 -.47 .53 .05 .05,
roof+ limb 0 1 .47 .53 .05 .05;
shade oval -.2s .02 .7 .07, stone? box .1+.2a .7 .22+.2a 1.08, wall box -.52 0 .52 .58,
wall- box -.52 0 .52 .06, white grid -.5 .2 .5 .46 4 1 .66 .95, pane grid -.5 .2 .5 .46 4 1 .52 .8,
white grid -.5 .2 .5 .46 4 1 .06 .8, wall box .02 .1 .23 .48, white box .04 0 .21 .43,
paint box .06 0 .19 .4, pane box .09 .25 .16 .36, shade box -.52 .46 .52 .56,
roof poly -.6 .53 .6 .53 .48+.1b 1 -.48-.1b 1, wall? poly -.4 .64 -.12 .64 -.12 .8 -.26 .93 -.4 .8,
wall? poly .4 .64 .12 .64 .12 .8 .26 .93 .4 .8, white? grid -.52 .64 .52 .82 2 1 .34 .9,
pane? grid -.52 .64 .52 .82 2 1 .27 .74, white? grid -.52 .64 .52 .82 2 1 .04 .74;
shade oval -.2s .02 .5 .07, cloth- box .3 0 .5+.1a .95, cloth box -.3 0 .3 .98,
white grid -.29 .25 .29 .95 3 4 .68 .72, pane grid -.29 .25 .29 .95 3 4 .54 .6,
white grid -.29 .25 .29 .95 3 4 .08 .6, roof- box -.3 0 .3 .2, pane grid -.29 .02 .29 .16 2 1 .9 1,
paint box -.34 .16 .33 .24, roof box -.33 .95 .33 1.02""",
    # Broad crown, fir, palm, poplar.
    "tree": """
shade oval -.2s .01 .35 .05, bark limb 0 0 0 .5 .08 .04, bark limb .01 .25 .18 .5 .02 .03,
leaf oval 0 .66 .3 .27, leaf oval -.12+.1a .64+.08b .21 .18, leaf oval .12+.1b .6+.08c .2 .17,
leaf oval .05c .72+.08a .19 .17, leaf oval .1c .56+.06b .17 .15;
shade oval -.2s .01 .35 .05, bark limb 0 0 0 .3 .05 .04, leaf- tier .31+.05a .15 .5,
leaf tier .25+.04a .33 .66, leaf tier .18+.03a .5 .83, leaf+ tier .12+.02a .66 1;
shade oval -.2s .01 .35 .05, bark limb 0 0 .05 .42 .05 .04, bark limb .05 .38 .13 .77 .04 .03,
leaf- fan .12 .76 .36+.04b;
shade oval -.2s .01 .3 .05, bark limb 0 0 0 .3 .05 .04, leaf oval 0 .57 .15+.03a .43""",
    "car": f"""
shade oval -.2s .03 1.5 .2, dark box -1.25 .12 1.25 .3, paint poly -1.35 .2 -1.38 .5 -1.25 .62
-.85 .66 -.55 .97 -.3 1.02 .2 1 .62 .66 1.15 .58 1.36 .44 1.38 .2, shade box -1.36 .2 1.36 .32,
paint+ box -1.3 .58 1.05 .62, glass poly -.7 .66 -.48 .9 -.1 .94 -.1 .66,
glass poly -.02 .66 -.02 .94 .17 .92 .46 .66, lamp box 1.2 .4 1.35 .52,
paint2 box -1.36 .44 -1.27 .56, {_WHEELS};
shade oval -.2s .03 1.3 .2, dark box -1.05 .12 1.05 .3, paint poly -1.12 .2 -1.16 .6 -1 .98
-.7 1.04 .1 1.02 .5 .68 .98 .58 1.12 .45 1.14 .2, shade box -1.12 .2 1.12 .32,
paint+ box -1.1 .58 .9 .62, glass poly -.98 .68 -.86 .94 -.32 .96 -.32 .68,
glass poly -.22 .68 -.22 .96 .08 .93 .34 .68, lamp box .98 .42 1.12 .54,
paint2 box -1.14 .46 -1.05 .58, {_WHEELS};
shade oval -.2s .03 1.4 .2, dark box -1.2 .12 1.2 .3, paint poly -1.3 .2 -1.32 1.2 -1.2 1.28
.7 1.26 .86 1.18 1.08 .76 1.3 .66 1.34 .2, shade box -1.3 .2 1.3 .34, paint+ box -1.28 .62 .98 .66,
paint2? box -1.2 .75 -.45 1.1, glass poly .3 .74 .3 1.12 .74 1.12 .94 .74,
glass box -.35 .74 .2 1.12, lamp box 1.18 .42 1.32 .54, {_WHEELS}""",
    # Sailing boat, cabin boat, steamer.
    "boat": f"""
shade poly -.42 0 .42 0 .3 -.24 -.3 -.22, bark box -.02 .1 .02 1.02,
cloth poly .04 .24 .48 .24 .42 .45 .28 .72 .04 .98, cloth2? poly .04 .5 .41 .44 .37 .54 .04 .6,
cloth+ poly -.04 .94 -.04 .24 -.42 .24, paint2 poly -.46 .12 .48 .15 .52 .22 .32 .18 -.46 .17,
plank poly -.4 -.02 -.45 .13 .32 .14 .48 .16 .44 .08 .34 -.02, shade box -.42 -.03 .42 .05;
dark box -.26 .51 -.22 .7, wall poly -.32+.06a .19 .27 .19 .17 .51+.03b -.32+.06a .51+.03b,
paint box -.36+.06a .51+.03b .22 .56+.03b, glass grid -.29+.06a .32 .17 .47 3 1 .75 1, {_HULL};
paint grid -.19 .38 .23 .64 2 1 .5 1, dark grid -.19 .58 .23 .64 2 1 .5 1,
wall box -.46 .19 .36 .38, wall+ box -.35 .38 .23 .49, glass grid -.45 .28 .35 .35 7 1 .6 1,
{_HULL}""",
    "person": """
shade oval -.2s .01 .25 .04, cloth- limb 0 .76 -.15+.12b .44 .06 .05,
cloth2- limb -.05 .5 -.12-.06a .02 .075 .06, cloth2 limb .05 .5 .12+.06a .02 .075 .06,
dark oval -.09-.06a .02 .075 .03, dark oval .15+.06a .02 .075 .03,
cloth3? poly -.12 .56 .12 .56 .2 .27 -.2 .27,
cloth poly -.15 .78 -.08 .83 .08 .83 .15 .78 .13 .45 -.13 .45, cloth4? box -.135 .58 .135 .66,
cloth+ limb .1 .76 .17-.12b .45 .06 .05, skin oval .17-.12b .43 .045 .045,
skin- box -.04 .8 .04 .87, hair? oval -.03 .88 .11 .13, skin oval 0 .91 .095 .1,
hair poly -.1 .92 -.08 .99 0 1.03 .08 .99 .1 .92, cloth5? oval .02 .955 .15 .025,
cloth5? box -.09 .96 .09 1.04""",
    # With stripes, with a belt.
    "balloon": f"""
{_BASKET} silk oval 0 .63 .37 .38, silk2? oval 0 .63 .26 .38, silk? oval 0 .63 .14 .38;
{_BASKET} silk oval 0 .63 .37 .38, silk2 box -.36 .58-.04a .36 .7+.03a""",
    "rock": "shade oval -.2s 0 1.2 .2, stone oval 0 .28 .9+.3a .5",
    "lamp": """
dark box -.03 0 .03 .08, dark box -.014 0 .014 .94, dark box -.014 .92 .1 .95,
lamp oval .1 .9 .04 .045""",
    "bird": "dark poly -1 .25 -.5 .5 0 0 .5 .5 1 .25 .5 .25 0 -.3 -.5 .25",
}
