"""
A log as the first version of its format was written: the creation of a repository, and a push. Never made anew: it is there to
fail when the format changes without a new version.
"""

SEGMENT_1 = (
    "M^so>K}-"
    "z_000010000000001bYO|@kg6>J^bp*$LDOFXbZBXFAaZqXAa7<MX>=|wKOJ+mfVd*t9>79wsGd_`0000000000Wm23E_eXSC0RaF20001arv*"
    "oJTx`klDd?Z{+X`}d0000000001000000000`CUQA`5(H>va%C6+A|NJAWI!*IXQDg{Q<w}inE!+RWH(_HoWmMfY@36+)f6fq0000000000000"
    "000000000000000000000000000GAjxRVQg?{VJ>HBbP^s41aoL%F%l1QWoC0PXk}q!b1!XSX>J+?W@&6?b69b}o&f*=0C}ecM|50l$?+-"
    "ZpY+=ba(Ms%0000000GakyC?TYbXWla000000dS`UM|50l$?+-"
    "ZpY+=ba(Ms%0000000IC2000000Uke~8{ZNHXk~I`7y=?7HLg21L(TvF>L;?M_XMdRM2WF0<F#?xhS5BjdexM+Dj+6IWI!*IXQDg{Q<w}inE!+"
    "RWH(_HoWmMfY@36+)f6(B0tyLXY;b5{E@x?UB0dTjZ(?d?V{~&baA9L>FK}UFYb|&#aA9L>5Cj?^NMiIy^2hRW`Y%eaiQ3yc8o-eSy;x-"
    "U(V)piE3l#_DrE`}a%E<7FKA_9WOFZVVQFp>C@?TEFfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFd8T^F)=YQF)=YQF)=YQF)=Y"
    "QF)=YQF)=YQF)=YQF)=YQF)=YQF)=YJWeN{+WoC0PXk}q!b1!FaZe<cEGBPqUGBPqUGBPqUGBPqUGBPqUGBPqUGBPqUGBPqUGBPqUGBPqU8YnO"
    "@FfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFfcGMFfcj>3IuRrV{6f`#9jda00D5P1xIvTY{~H{=%4i43UYY>0000000083GA&p"
)

STORAGE_1 = bytes.fromhex("746089ee90aa2d00f410dcb341d35f02")
