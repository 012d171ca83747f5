"""The text of `computers.pdf`: a short history of computing machines."""

from __future__ import annotations

from examples.figures import punched_card, transistors
from examples.layout import Heading, Look, bullets, figure, paragraphs, table
from reportlab.lib.colors import HexColor
from reportlab.platypus import BalancedColumns, Flowable, HRFlowable, NextPageTemplate, Paragraph, Spacer

LOOK = Look(
    title="Machines That Compute",
    author="The Quire authors",
    subject="A short history of computing machines, from bronze gears to a quintillion operations a second",
    accent=HexColor("#17456b"),
    heading_font="Helvetica-Bold",
)

ABSTRACT = """
<b>Abstract.</b> A computer is a machine that follows a list of instructions which it also keeps in its own memory.
That sentence took a century to become true. This paper tells how gears, punched cards, relays, valves and transistors
each carried the idea a step further, who took the steps, and what the machines could do, in figures. It ends with the
limits that no machine can pass.
"""

GEARS = """
In 1901 sponge divers brought up from a wreck near the Greek island of Antikythera a lump of corroded bronze. It
proved to be a geared calculator of the second or first century BC, which showed the places of sun and moon and
foretold eclipses; thirty of its gears survive. Nothing as intricate is known from the thousand years that followed.

Adding machines came in the seventeenth century. Wilhelm Schickard of Tübingen described one in 1623 in letters to
Kepler. Blaise Pascal, aged nineteen, built his in 1642 to help his father, a tax commissioner in Rouen, and went
through some fifty models of it. Gottfried Wilhelm Leibniz showed the Royal Society in 1673 a machine that could also
multiply, by means of a drum with nine teeth of increasing length; the stepped drum stayed in use in desk calculators
until the 1970s.
"""

BABBAGE = """
Mathematical tables were computed by hand and were full of errors. Charles Babbage proposed in 1822 to make them by
steam. His Difference Engine would tabulate polynomials by nothing but repeated addition. The British government had
spent 17,000 pounds on it when it gave up in 1842. By then Babbage had thought of something better. The Analytical
Engine, designed from 1834 on, had a mill, which calculated; a store for a thousand numbers; conditional branching;
and punched cards, borrowed from the loom that Joseph-Marie Jacquard had shown in 1804, to tell it what to do.

Ada Lovelace translated an Italian account of the engine in 1843 and added notes three times its length. Note G sets
out, step by step, how the engine would compute the Bernoulli numbers. She also saw that it might act on things other
than number, and might compose elaborate pieces of music if harmony could be expressed to it.[^1 The account was by
Luigi Menabrea, a military engineer who later became prime minister of Italy. It had been written in French.]

Neither engine was finished. In 1991 the Science Museum in London completed the calculating part of Babbage's
Difference Engine No. 2 from his drawings of the 1840s, with 4,000 parts and to the tolerances of his day. It worked.
"""

HOLLERITH = """
The American census of 1880 took most of a decade to tabulate. For the next one Herman Hollerith, a former employee of
the census office, recorded each person as holes in a card and counted the cards electrically: a pin that found a hole
dipped into a cup of mercury and closed a circuit. The first count of the census of 1890, about 62.6 million people,
was announced after six weeks. Hollerith's Tabulating Machine Company, founded in 1896, was merged in 1911 into a firm
that in 1924 took the name International Business Machines.
"""

THEORY = """
Alan Turing's paper <i>On Computable Numbers</i> appeared in 1936. To settle a question in logic it described a
machine with a finite table of rules and an endless tape, and proved two things: that one such machine, given the
right tape, can do the work of any other, and that no machine can decide, for every program, whether it will ever
stop. A year later Claude Shannon showed in his master's thesis at MIT that circuits of switches are the algebra of
logic.

Konrad Zuse knew neither paper. In Berlin on 12 May 1941 he demonstrated the Z3, built of some 2,600 telephone relays.
It worked in binary floating point, needed eight tenths of a second for an addition, and took its program from punched
cinema film. It was destroyed in an air raid in 1943.
"""

VALVES = """
Valves switch a thousand times faster than relays. Colossus, built by Tommy Flowers of the Post Office and at work in
Bletchley Park from February 1944, used about 1,600 of them to break the German teleprinter cipher that the British
called Tunny. It read paper tape at 5,000 characters a second. Ten were running at the end of the war; their existence
was secret until the 1970s.

ENIAC, shown to the public at the University of Pennsylvania in February 1946, had 17,468 valves, weighed thirty tons
and drew 150 kilowatts. It added 5,000 times a second. It was programmed by cables and switches, and its first
programmers were six women: Kay McNulty, Betty Jennings, Betty Snyder, Marlyn Wescoff, Fran Bilas and Ruth Lichterman.
To set up a new problem could take days.

The cure was to keep the program in the same memory as the numbers. John von Neumann's draft of June 1945 put it in
writing; the first machine to do it was a small one in Manchester, nicknamed the Baby. On 21 June 1948 it ran a
program of seventeen instructions for fifty-two minutes to find the highest factor of 2 to the power of 18, and got it
right. In May 1949 EDSAC, in Cambridge, became the first such machine to offer a regular service.
"""

TABLE_1 = [
    ["Machine", "Ran first", "Place", "Made of", "Program held in"],
    ["Z3", "May 1941", "Berlin", "2,600 relays", "punched film"],
    ["Colossus", "February 1944", "Bletchley Park", "1,600 valves", "switches and plugs"],
    ["Harvard Mark I", "1944", "Cambridge, Mass.", "wheels and relays", "paper tape"],
    ["ENIAC", "1945", "Philadelphia", "17,468 valves", "cables and switches"],
    ["Manchester Baby", "June 1948", "Manchester", "550 valves", "its own memory"],
    ["EDSAC", "May 1949", "Cambridge", "3,000 valves", "its own memory"],
    ["UNIVAC I", "1951", "Philadelphia", "5,000 valves", "its own memory"],
]

MEMORY = """
A memory is anything that stays put until it is read. EDSAC kept its bits as trains of sound in tubes of mercury a
metre and a half long. The Baby kept 1,024 as spots of charge on the face of a cathode-ray tube. Both gave way to the
magnetic core, a ring of ferrite the size of a pinhead, which Jay Forrester's Whirlwind at MIT used from August 1953
and which needs no power to remember.
"""

TABLE_2 = [
    ["Store", "First used in", "Year", "Bits", "How a bit is kept"],
    ["Williams tube", "Manchester Baby", "1948", "1,024", "charge on a screen"],
    ["Mercury delay line", "EDSAC", "1949", "9,216", "pulse of sound"],
    ["Magnetic cores", "Whirlwind", "1953", "16,384", "direction of magnetism"],
    ["Disk", "IBM 350 RAMAC", "1956", "30 million", "magnetised spot"],
    ["Dynamic RAM chip", "Intel 1103", "1970", "1,024", "charge on a capacitor"],
]

TRANSISTOR = """
On 16 December 1947, at Bell Laboratories in New Jersey, John Bardeen and Walter Brattain pressed two gold contacts, a
hair's breadth apart, onto a crystal of germanium and saw it amplify. With William Shockley they received the Nobel
Prize in Physics for it in 1956. The transistor needed no heater and did not burn out, but each still had to be
soldered in by hand.

Jack Kilby of Texas Instruments showed on 12 September 1958 that a whole circuit could be cut from one piece of
germanium. Early in 1959 Robert Noyce of Fairchild described a better way, in silicon, with the wiring printed flat on
top. The first great customer was the Apollo programme. The guidance computer that flew to the moon held about 2,800
integrated circuits, all of one kind; it had 2,048 words of erasable memory and 36,864 words woven by hand into ropes
of wire, and drew 55 watts.
"""

MOORE = """
In 1965 Gordon Moore noted that the number of components on a chip had doubled every year, and guessed that it would
go on for ten years more. In 1975 he changed the period to two years. The Intel 4004 of November 1971, made for a
Japanese desk calculator by Federico Faggin, Ted Hoff, Stanley Mazor and Masatoshi Shima, was the first microprocessor
to be sold on its own and had 2,300 transistors. Half a century later the Apple M1 had sixteen thousand million.
"""

FAMILIES = """
Until 1964 a program written for one computer could not run on another, even of the same maker. On 7 April of that
year IBM announced System/360: six models, fifty times apart in speed, with one set of instructions and a byte of
eight bits. It had staked some five thousand million dollars on it. Seymour Cray went for speed alone. The Cray-1,
delivered to Los Alamos in 1976, weighed five and a half tons, did 160 million operations a second, and was bent into
the shape of the letter C to keep its wires short.

Most processors sold today follow a third idea: few and simple instructions, each done in one beat. Sophie Wilson and
Steve Furber drew the first ARM in Cambridge for the maker of the BBC Microcomputer. It ran on 26 April 1985, with
25,000 transistors and so little power that it worked before its supply had been connected, on what leaked in through
its signal lines.
"""

SOFTWARE = """
The word bug is older than the computer, but the most famous one is a moth. It was found on 9 September 1947 in relay
70 of panel F of the Harvard Mark II, and taped into the log with the words <i>first actual case of bug being
found</i>.

At first programs were written as bare numbers. In Cambridge David Wheeler devised the subroutine, so that a piece of
program could be written once and used by all. Grace Hopper's A-0 of 1952 put such pieces together by itself, and she
called it a compiler. FORTRAN, made at IBM by John Backus and his group and delivered in April 1957, was the first
language whose compiled programs were nearly as quick as a good programmer's own. John McCarthy's Lisp followed in
1958, and a committee drew up COBOL in 1959.

Programs grew faster than the understanding of them. In October 1968 some fifty experts met at Garmisch in Bavaria at
the invitation of NATO, and the title of the meeting, software engineering, was meant as a provocation. Edsger
Dijkstra's letter against the go-to statement had appeared in March of that year. In December Douglas Engelbart showed
a thousand engineers in San Francisco the mouse, windows, hypertext and editing by two people at a distance, all in
ninety minutes.

Two ideas of the next two years are in daily use. Ken Thompson wrote the first Unix in 1969 on a cast-off PDP-7 at
Bell Laboratories; Dennis Ritchie's language C, in which it was rewritten in 1973, let it move to any machine. In 1970
Edgar Codd of IBM proposed to keep data in plain tables and to ask for what is wanted, not for how to find it: the
relational database.
"""

NETWORK = """
The first message of the ARPANET went from Los Angeles to Stanford on 29 October 1969. Charley Kline meant to type
<i>login</i>; the far machine crashed after two letters, so that the message was <i>lo</i>. On 1 January 1983 the
whole network changed to the protocols TCP and IP, which carry the Internet today. Tim Berners-Lee, at CERN in Geneva,
proposed the World Wide Web in March 1989; on 30 April 1993 CERN gave it to everyone free of charge.
"""

PERSONAL = """
Meanwhile the machine had come home. The Alto, built at Xerox in 1973, had a screen like a sheet of paper and a mouse,
but was never for sale. The Altair 8800, a kit on the cover of <i>Popular Electronics</i> for January 1975, had
neither, nor a keyboard, and sold by the thousand. The Apple II came in 1977. The IBM PC was announced on 12 August
1981 with a processor at 4.77 megahertz and a price from 1,565 dollars, and since almost anyone could build one like
it, almost everyone did.
"""

LIMITS = [
    "<b>Logic.</b> Turing's theorem stands: no program can tell of every program whether it halts.",
    "<b>Heat.</b> Rolf Landauer showed in 1961 that to erase one bit costs at least <i>kT</i> ln 2 of energy, about "
    "2.9\u00a0×\u00a010<super>-21</super> joules at room temperature. Chips still spend some thousands of times more.",
    "<b>Clock.</b> Until about 2005 smaller transistors could be run faster at the same power. Since then they cannot, "
    "and makers add cores instead of megahertz.",
    "<b>Memory.</b> A processor can wait hundreds of its own cycles for one word from main memory.",
]

SCALE = """
On 11 May 1997 IBM's Deep Blue, which weighed 200 million chess positions a second, won its match against the world
champion Garry Kasparov by 3½ to 2½. In 2012 a neural network named AlexNet, with sixty million parameters and trained
on two graphics cards, cut the error in naming what a photograph shows from 26 to 15 per cent. In May 2022 Frontier,
at Oak Ridge in Tennessee, became the first computer to pass 10<super>18</super> operations a second on the standard
test: 1.102 exaflops, for 21 megawatts. ENIAC would have needed some seven million years for each such second.[^2 At
5,000 additions a second: 1.1 × 10<super>18</super> / 5,000 seconds are 2.2 × 10<super>14</super> seconds, or 7
million years.]
"""

CLOSING = """
What has not changed since 1948 is the plan: a store, an arithmetic unit, and a list of instructions kept beside the
numbers they work on. The Baby's seventeen lines would run, after a little translation, on every machine in this paper
that came after it.
"""

REFERENCES = [
    "P. E. Ceruzzi, <i>A History of Modern Computing</i>, second edition, MIT Press 2003.",
    "E. F. Codd, A relational model of data for large shared data banks, <i>Communications of the ACM</i> 13 (1970).",
    "E. W. Dijkstra, Go to statement considered harmful, <i>Communications of the ACM</i> 11 (1968).",
    "R. Landauer, Irreversibility and heat generation in the computing process, <i>IBM Journal</i> 5 (1961).",
    "G. E. Moore, Cramming more components onto integrated circuits, <i>Electronics</i>, 19 April 1965.",
    "A. M. Turing, On computable numbers, with an application to the Entscheidungsproblem, "
    "<i>Proceedings of the London Mathematical Society</i> 42 (1936).",
]


def _title_block() -> list[Flowable]:
    return [
        Paragraph(LOOK.title, LOOK.style("title")),
        Paragraph("A short history, from bronze gears to exaflops", LOOK.style("subtitle")),
        Spacer(0, 6),
        HRFlowable(width="100%", thickness=1.2, color=LOOK.accent, spaceAfter=9),
        *paragraphs(ABSTRACT, LOOK),
        NextPageTemplate("later"),
    ]


def story() -> list[Flowable]:
    """The whole publication, in order."""

    def h1(text: str) -> Heading:
        return Heading(text, LOOK, level=1)

    def h2(text: str) -> Heading:
        return Heading(text, LOOK, level=2)

    def text(block: str) -> list[Flowable]:
        return paragraphs(block, LOOK)

    columns = BalancedColumns(paragraphs(SOFTWARE, LOOK, style="column"), nCols=2, innerPadding=16)
    return [
        *_title_block(),
        h1("1  Before electronics"), h2("1.1  Gears"), *text(GEARS), h2("1.2  Babbage and Lovelace"), *text(BABBAGE),
        h2("1.3  The census"), *text(HOLLERITH),
        figure(
            punched_card("Machines that compute, 1890 to 2022", LOOK.accent),
            "Figure 1. A card of eighty columns. Each letter is two holes in its column: one in the top three "
            "rows, one among the digits. The card reads as printed along its upper edge.",
            LOOK,
        ),
        h1("2  Electronics"), h2("2.1  A theory and its first machine"), *text(THEORY),
        h2("2.2  Valves"), *text(VALVES),
        table("Table 1. Seven early machines.", TABLE_1, (1.5, 1.3, 1.6, 1.5, 1.7), LOOK),
        h2("2.3  Where to keep a bit"), *text(MEMORY),
        table("Table 2. Five ways to keep a bit.", TABLE_2, (1.6, 1.5, 0.7, 0.9, 1.9), LOOK),
        h1("3  Silicon"), h2("3.1  Transistor and chip"), *text(TRANSISTOR), h2("3.2  Moore’s law"), *text(MOORE),
        figure(
            transistors(LOOK.accent),
            "Figure 2. Transistors on one chip. The scale is logarithmic: each line is a hundred times the one below.",
            LOOK,
        ),
        h2("3.3  Families"), *text(FAMILIES),
        h1("4  Software"), columns,
        h1("5  Together"), h2("5.1  The network"), *text(NETWORK), h2("5.2  The machine on the desk"), *text(PERSONAL),
        h1("6  Scale and limits"), h2("6.1  Scale"), *text(SCALE), h2("6.2  What stands in the way"),
        bullets(LIMITS, LOOK), *text(CLOSING),
        h1("References"), bullets(REFERENCES, LOOK),
    ]  # fmt: skip
