"""The text of `spice.pdf`: routes, wars and chemistry of the spice trade."""

from __future__ import annotations

from examples.figures import molecules, wind_rose
from examples.layout import Heading, Look, bullets, figure, paragraphs, table
from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, NextPageTemplate, PageBreak, Paragraph, Spacer
from reportlab.platypus.tableofcontents import TableOfContents

LOOK = Look(
    title="The Spice Trade",
    author="The Quire authors",
    subject="Routes, wars and chemistry of the spice trade, from Berenike to the saffron laboratory",
    accent=HexColor("#8a3b12"),
    heading_font="Times-Bold",
)

PREFACE = """
For most of history a few dried seeds, barks and buds were worth carrying across half the world. This short account
follows them: what spices are and where they grew, how they reached Rome, Cairo and Venice, how the search for their
source drew the sea map of the globe, and what chemistry found in them when at last it looked.
"""

PLANTS = """
A spice is a dried part of a plant, other than its green leaf, that is used to season food. The definition hides how
different the parts are. Black pepper is the unripe berry of a climbing vine of the Malabar coast of south-western
India, dried in the sun until its skin shrivels. Cinnamon is the inner bark of a small tree of Sri Lanka, peeled from
young shoots and rolled into quills. Cloves are flower buds picked just before they open. Nutmeg is the kernel of a
fruit that looks like an apricot, and mace is the scarlet net, called an aril, that wraps the shell of that kernel:
one tree, two spices. Ginger and turmeric are rhizomes, which is to say swollen underground stems.

Saffron is the most laborious of all. Each flower of <i>Crocus sativus</i> carries three red stigmas, which must be
plucked by hand on the morning it opens. About 150,000 flowers go into one kilogram of dried saffron. The plant is
sterile, and has travelled from the eastern Mediterranean to Kashmir and La Mancha only as corms in somebody's bag.

What made the trade a trade is geography. Until the end of the eighteenth century every nutmeg in commerce came from
the Banda Islands, ten specks of land in eastern Indonesia of about 180 square kilometres in all. The clove was native
to five small volcanic islands a little further north: Ternate, Tidore, Moti, Makian and Bacan. Whoever held these
harbours held the whole supply of the world, and for two hundred years men fought over them accordingly.[^1 The
ancient and medieval buyers knew none of this. Herodotus reports that cinnamon sticks were gathered from the nests of
great birds in Arabia, a story that can only have pleased the middlemen.]
"""

TABLE_1 = [
    ["Spice", "Plant", "Part used", "Native to", "Chief compound"],
    ["Black pepper", "<i>Piper nigrum</i>", "dried unripe berry", "Malabar coast, India", "piperine"],
    ["Cinnamon", "<i>Cinnamomum verum</i>", "inner bark", "Sri Lanka", "cinnamaldehyde"],
    ["Clove", "<i>Syzygium aromaticum</i>", "flower bud", "northern Maluku", "eugenol"],
    ["Nutmeg", "<i>Myristica fragrans</i>", "kernel", "Banda Islands", "sabinene, myristicin"],
    ["Cardamom", "<i>Elettaria cardamomum</i>", "seed capsule", "Western Ghats, India", "1,8-cineole"],
    ["Saffron", "<i>Crocus sativus</i>", "stigma", "Greece", "safranal, crocin"],
    ["Turmeric", "<i>Curcuma longa</i>", "rhizome", "South Asia", "curcumin"],
    ["Vanilla", "<i>Vanilla planifolia</i>", "cured pod", "Mexico", "vanillin"],
    ["Chilli", "<i>Capsicum annuum</i>", "fruit", "Mexico", "capsaicin"],
]

EGYPT = """
The oldest pepper that we can date went to a grave. When the mummy of Ramesses II, who died in 1213 BC, was examined,
black peppercorns were found in its nostrils, put there by the embalmers. Pepper grew nowhere nearer than southern
India, so that some chain of hands already reached from Malabar to the Nile. Two and a half centuries before, Queen
Hatshepsut had sent five ships down the Red Sea to the land of Punt, and the walls of her temple at Deir el-Bahari
show thirty-one living incense trees carried home in baskets.
"""

ROME = """
The direct road opened when Greek pilots of Egypt learned to use the monsoon. From June to September the wind blows
from Africa towards India, and in winter it blows back. A ship that left the Red Sea in July could be on the Malabar
coast in September, load pepper, and return with the north-east monsoon from November on. Strabo, writing under
Augustus, heard that as many as 120 ships a year sailed for India from the harbour of Myos Hormos alone.

Rome bought heavily. Pliny the Elder grumbled that India drained the empire of fifty million sesterces every year, and
noted the prices: fifteen denarii for a pound of long pepper, seven for white and four for black. One cargo is known
in detail. The Muziris papyrus, a loan contract of the second century AD, lists the freight of the ship
<i>Hermapollon</i>, whose value was close to seven million sesterces, on which the state took a quarter in duty. At
Berenike, on the Egyptian shore of the Red Sea, archaeologists dug up an Indian storage jar that still held 7.5
kilograms of black peppercorns.

In AD 92 the emperor Domitian built the <i>Horrea Piperataria</i>, warehouses for pepper and other spices, beside the
Via Sacra in Rome. Pepper had become money. When Alaric and his Visigoths besieged the city in 408, the ransom they
accepted was 5,000 pounds of gold, 30,000 pounds of silver, 4,000 silk tunics, 3,000 scarlet hides and 3,000 pounds of
pepper.
"""

MIDDLE_AGES = """
After Rome the western end of the road passed into Arab and then Egyptian hands. The Karimi merchants of Cairo and
Aden ran the Red Sea in convoys and lent money to sultans. In 1428 Sultan Barsbay made the sale of pepper a monopoly
of the state, and the price in Alexandria rose at once. At the eastern end the Ming admiral Zheng He led seven great
fleets between 1405 and 1433; Calicut, the pepper harbour, was the goal of the first, and Zheng He probably died on
the last.

Venice was the funnel into Europe. Its state galleys, auctioned each year to the highest bidder, sailed for Alexandria
and Beirut in late summer and brought home pepper, ginger, cinnamon and cloves for the German merchants who lodged, by
law, in the Fondaco dei Tedeschi on the Grand Canal. London had its own guild early: the Pepperers are named in the
royal accounts of 1180, and their successors, who dealt <i>en gros</i>, gave the English language the word grocer.

It is often said that medieval cooks used spice to hide the taste of rotten meat. Historians no longer believe it. A
pound of pepper cost far more than fresh meat did, and whoever could afford the one could afford the other. Spices
were medicine, perfume and, above all, display.
"""

IBERIA = """
Vasco da Gama left Lisbon on 8 July 1497 with four ships and anchored near Calicut on 20 May 1498. He lost two of the
ships and more than half of his men, and the pepper he brought back is said to have been worth sixty times the cost of
the voyage. Thirteen years later Afonso de Albuquerque took Malacca, the strait through which every clove and nutmeg
had to pass; the apothecary Tomé Pires, who worked there soon afterwards, wrote that whoever is lord of Malacca has
his hand on the throat of Venice.

Spain went the other way about. Ferdinand Magellan sailed in September 1519 with five ships to reach the Moluccas from
the east. He was killed in the Philippines. One ship, the <i>Victoria</i>, came home on 6 September 1522 under Juan
Sebastián Elcano with eighteen men aboard, the first to have gone round the world; the 381 sacks of cloves in her hold
paid for the whole expedition. By the Treaty of Zaragoza, signed in 1529, the emperor Charles V sold his claim to the
Moluccas to Portugal for 350,000 ducats.
"""

DUTCH = """
The Dutch East India Company, the VOC, was chartered on 20 March 1602 with a capital of about 6.4 million guilders and
a monopoly of twenty-one years. It was the first company to issue permanent shares that anyone could trade. Its method
was to own the source. In 1621 governor-general Jan Pieterszoon Coen conquered the Banda Islands; of some 15,000
Bandanese, perhaps one thousand remained. The land was cut into sixty-eight plantations, called <i>perken</i>, and
worked by slaves.

One island held out. Nathaniel Courthope and a handful of Englishmen defended Run, three kilometres long, from 1616
until he was killed in 1620. The quarrel ended with the Treaty of Breda of 31 July 1667: England gave up its claim to
Run, and the Dutch left in English hands a fur-trading post that had been taken from them three years before, on the
island of Manhattan.[^2 The treaty names neither island: each side simply kept what it held on 20 May 1667.]
"""

SMUGGLERS = """
A monopoly of plants lasts until someone steals a seedling. Pierre Poivre, a one-armed former missionary who governed
the Isle de France, today's Mauritius, had nutmeg and clove plants smuggled out of the Moluccas in 1770. From there
cloves went to Zanzibar, which by the middle of the nineteenth century supplied most of the world's crop, until the
cyclone of 1872 flattened its plantations. Nutmeg reached Grenada in 1843 and is on its flag today.

Vanilla waited for a boy. The orchid had been taken from Mexico to Réunion, but without its native bees it set no
fruit. In 1841 Edmond Albius, a slave twelve years old, found that a splinter of bamboo and a turn of the thumb were
enough to pollinate it. Every vanilla pod of Madagascar is still made by his gesture.
"""

OILS = """
Most of what we call flavour is smell, and most of the smell of a spice lies in its essential oil: a mixture of small,
oily molecules that boil off with steam. Two families matter. Terpenes are built by the plant from units of five
carbon atoms and give the fresh notes of cardamom, pepper and nutmeg. Phenylpropanoids, a benzene ring with a tail of
three carbons, give the warm ones of clove and cinnamon. A dried clove holds 15 to 20 per cent of oil by weight, and
70 to 90 per cent of that oil is a single compound, eugenol. Dentists still mix eugenol with zinc oxide to make a
soothing temporary cement.

Cinnamaldehyde was isolated from cinnamon oil in 1834 by Jean-Baptiste Dumas and Eugène Péligot. Vanillin was first
obtained pure from the pods by Nicolas-Théodore Gobley in 1858, and in 1874 Ferdinand Tiemann and Wilhelm Haarmann
made it from coniferin, a substance in the sap of pine trees. Their factory at Holzminden was the first in the world
to make a flavouring by synthesis.
"""

HEAT = """
The bite of pepper is no smell at all. Piperine, which makes up five to nine per cent of the peppercorn, was isolated
in 1819 by Hans Christian Ørsted, who a year later discovered that an electric current turns a compass needle.
Capsaicin, the hot principle of the chilli, was named by John Clough Thresh in 1876. In 1912 the American pharmacist
Wilbur Scoville measured the heat of chillies by diluting their extract until five tasters no longer felt it. On his
scale pure capsaicin stands at 16 million units and piperine at about 100,000.

Why both should feel like fire was explained in 1997, when David Julius and his colleagues found the receptor TRPV1: a
channel in the nerve that opens above 43 degrees Celsius, and also when capsaicin binds to it. The nerve cannot tell
the difference. Julius shared the Nobel Prize for it in 2021 with Ardem Patapoutian. Birds have a form of the receptor
that capsaicin does not open, so they eat chillies and scatter the seeds.
"""

DEFENCE = """
Plants make these compounds to poison, repel or warn. Jennifer Billing and Paul Sherman of Cornell University went
through 4,578 recipes from thirty-six countries and reported in 1998 that the hotter the climate, the more spices a
meat dish contained. Garlic, onion, allspice and oregano stopped the growth of every bacterium they had been tested
against; pepper and ginger, the favourites of the trade, were among the weakest.
"""

TODAY = [
    "<b>Pepper.</b> Viet Nam, which exported almost none in 1980, has been the largest exporter since about 2001.",
    "<b>Vanilla.</b> Madagascar grows about four fifths of the world's pods; most vanillin is made from guaiacol.",
    "<b>Saffron.</b> Iran harvests roughly nine tenths of it.",
    "<b>Cardamom.</b> Guatemala, where a German planter brought it in 1914, exports the most and eats almost none.",
    "<b>Cloves.</b> Indonesia grows the most and burns most of them itself, in clove cigarettes called <i>kretek</i>.",
]

PURITY = """
Wherever a powder is worth more than brick dust, brick dust will be found in it. The Pepperers of London were already
charged with sifting spices; the German town of Nuremberg burned a man named Jobst Findeker alive in 1444 for selling
adulterated saffron. Today the standard ISO 3632 grades saffron by ultraviolet light. The absorbance of an extract is
read at three wavelengths: 257 nanometres for picrocrocin, the bitter taste; 330 for safranal, the smell; and 440 for
crocin, the colour.
"""

TABLE_2 = [
    ["Year", "Event"],
    ["408", "Alaric accepts 3,000 pounds of pepper as part of the ransom of Rome"],
    ["1180", "The Pepperers of London appear in the royal accounts"],
    ["1428", "Sultan Barsbay makes pepper a state monopoly"],
    ["1498", "Vasco da Gama reaches Calicut by sea"],
    ["1522", "The <i>Victoria</i> completes the first voyage round the world, laden with cloves"],
    ["1602", "The Dutch East India Company is chartered"],
    ["1667", "Treaty of Breda: Run for Manhattan"],
    ["1770", "Nutmeg and clove plants are smuggled to Mauritius"],
    ["1841", "Edmond Albius pollinates vanilla by hand"],
    ["1874", "Vanillin is made from coniferin"],
    ["1997", "The receptor for capsaicin is found"],
]

READING = [
    "Andrew Dalby, <i>Dangerous Tastes: The Story of Spices</i>, London 2000.",
    "Paul Freedman, <i>Out of the East: Spices and the Medieval Imagination</i>, New Haven 2008.",
    "Giles Milton, <i>Nathaniel's Nutmeg</i>, London 1999.",
    "Jack Turner, <i>Spice: The History of a Temptation</i>, London 2004.",
]


def _front() -> list[Flowable]:
    contents = TableOfContents(dotsMinLevel=0)
    contents.levelStyles = [
        LOOK.style("body", alignment=0, fontName="Times-Bold", spaceBefore=5, spaceAfter=0),
        LOOK.style("body", alignment=0, leftIndent=14, spaceAfter=0),
    ]
    rose = wind_rose(LOOK.accent)
    rose.hAlign = "CENTER"
    return [
        Spacer(0, 22 * mm),
        Paragraph(LOOK.title, LOOK.style("title", fontSize=38, leading=44, alignment=1)),
        Spacer(0, 4 * mm),
        Paragraph("Its routes, its wars and its chemistry", LOOK.style("subtitle", alignment=1, fontSize=16)),
        Spacer(0, 16 * mm),
        rose,
        Spacer(0, 16 * mm),
        *paragraphs(PREFACE, LOOK),
        NextPageTemplate("later"),
        PageBreak(),
        Paragraph("Contents", LOOK.style("h1")),
        contents,
        PageBreak(),
    ]


def story() -> list[Flowable]:
    """The whole publication, in order."""

    def h1(text: str) -> Heading:
        return Heading(text, LOOK, level=1)

    def h2(text: str) -> Heading:
        return Heading(text, LOOK, level=2)

    def text(block: str) -> list[Flowable]:
        return paragraphs(block, LOOK)

    return [
        *_front(),
        h1("1  The plants"), h2("1.1  Berry, bark, bud and root"), *text(PLANTS),
        table("Table 1. Nine spices and what gives them their taste.", TABLE_1, (1.1, 1.8, 1.5, 1.6, 1.5), LOOK),
        h1("2  Antiquity"), h2("2.1  Egypt"), *text(EGYPT), h2("2.2  Rome and the monsoon"), *text(ROME),
        h1("3  The middlemen"), h2("3.1  Cairo, Venice, London"), *text(MIDDLE_AGES),
        h1("4  The age of companies"), h2("4.1  Portugal and Spain"), *text(IBERIA),
        h2("4.2  The Dutch monopoly"), *text(DUTCH), h2("4.3  Smugglers and gardeners"), *text(SMUGGLERS),
        h1("5  The chemistry"), h2("5.1  Essential oils"), *text(OILS),
        figure(
            molecules(),
            "Figure 1. Three molecules that smell of the trade. Vanillin and eugenol share a ring with a hydroxyl and "
            "a methoxy group and differ in the tail alone; cinnamaldehyde is a bare ring with another tail.",
            LOOK,
        ),
        h2("5.2  Heat"), *text(HEAT), h2("5.3  What spices are for"), *text(DEFENCE),
        h1("6  The trade today"), h2("6.1  Who grows what"), bullets(TODAY, LOOK),
        h2("6.2  Purity"), *text(PURITY),
        table("Table 2. The trade in eleven dates.", TABLE_2, (1, 7), LOOK),
        h1("Further reading"), bullets(READING, LOOK),
    ]  # fmt: skip
