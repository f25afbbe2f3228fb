"""Adjectives: `english | spanish | ser or estar | what they describe | flags`.

Flags: `er` (compared by -er, -est), `more` (by more, most), irregular comparatives by name, `pre`
(stands before its noun in Spanish), `only` (after the verb alone), `only-attributive relational`
(never after it), `fem masc` (of women, of men), `older` (older is `mayor`), `invariable`, and the
kinds `color size mood material`.
"""

# Adjectives of one scale: side by side, they would contradict or repeat each other.
SCALES = """
big large small little huge tiny | tall high short long
happy sad angry furious glad
intelligent stupid silly wise | guilty innocent
good bad great excellent terrible wonderful fantastic perfect | bored excited
tired relaxed calm nervous worried scared awake asleep | young old modern ancient new
fast slow | strong weak | rich poor | expensive cheap | easy difficult simple | alive dead
beautiful pretty handsome ugly | fat thin slim | hot cold | clean dirty | open closed | full empty
lazy hardworking responsible | polite rude kind nice friendly | generous selfish | wet dry
interesting boring exciting | intelligent smart clever | optimistic pessimistic | shy sociable
funny serious | wide narrow | deep shallow | heavy light | quiet noisy calm | safe dangerous
delicious tasty | famous popular | sick healthy | thick thin | soft sharp | married single
red blue green yellow white black brown gray pink purple golden | dark bright | public private
"""

ADJECTIVES = """
big | grande | ser | pet livestock wild home room town building shop school office outdoors
    container furniture body city waters plant yard vehicle conveyance sight roof fire landscape
    ship family group team | er size
large | grande | ser | home room town building shop container furniture city waters plant yard
    pet livestock wild | er size
small | pequeño | ser | pet livestock wild home room town building shop school office container
    furniture city waters plant yard vehicle conveyance toy insect bird infant seed leaf family
    group | er size
little | pequeño | ser | pet bird home town toy | size
huge | enorme | ser | pet livestock wild home building city sight plant height sea | size
tiny | diminuto | ser | insect pet room toy home | size
tall | alto | ser | people kin role friend building plant | er
high | alto | ser | height wall price shelf salary | er
short | bajo | ser | people kin role friend | er
short | corto | ser | skirt outing text way hair shown story event passage utterance | er
long | largo | ser | skirt outing text way hair shown story stream book passage utterance branch
    root | er
wide | ancho | ser | way stream crossed opening | er
narrow | estrecho | ser | way stream opening room | er
deep | profundo | ser | waters cave valley | er
shallow | poco profundo | ser | stream | only
thick | grueso | ser | book blanket wall coat | er
thin | delgado | ser | people kin friend book paper | er
fat | gordo | ser | pet pig people | er
slim | esbelto | ser | people
heavy | pesado | ser | container furniture luggage tool coat book | er
light | ligero | ser | container luggage tool meal | er
strong | fuerte | ser | people kin role livestock wild wind coffee | er
weak | débil | ser | people kin pet battery | er
fast | rápido | ser | vehicle conveyance livestock wild player ridden | er
slow | lento | ser | vehicle conveyance turtle device driver transit | er
new | nuevo | ser | clothing device vehicle conveyance furniture home book toy building school
    shop job idea instrument appliance car-part rule | er
new | nuevo | ser | friend boss teacher neighbor student
old | viejo | ser | clothing device vehicle conveyance furniture home book toy building bridge
    tree church pet town instrument castle street-thing car-part | er
old | viejo | ser | grown kin | older
young | joven | ser | grown kin role friend pet | er
modern | moderno | ser | building home device museum furniture city appliance hospital | more
ancient | antiguo | ser | city sight temple building map bridge | more
beautiful | hermoso | ser | woman girl actress princess queen flower city landscape home sight
    outdoors music clothing jewel pet yard sky bird infant street-thing landscape | more
pretty | bonito | ser | home clothing flower town jewel artwork yard outdoors bird | er
handsome | guapo | ser | man actor prince boy | more
beautiful | hermoso | ser | people kin | more fem only
handsome | guapo | ser | people kin | more masc only
ugly | feo | ser | building clothing furniture insect artwork home | er
nice | simpático | ser | people kin role friend | er
kind | amable | ser | people kin role friend | er
friendly | amistoso | ser | people friend pet role | er
intelligent | inteligente | ser | people kin role friend pet | more
smart | inteligente | ser | people kin friend dog | er
clever | astuto | ser | fox thief people | er
funny | divertido | ser | people friend told shown clown story | er
serious | serio | ser | people kin role issue incident | more
shy | tímido | ser | people kin friend pet | more
brave | valiente | ser | people kin role firefighter soldier | er
honest | honesto | ser | people friend role answer | more
polite | educado | ser | people role kin | more
rude | grosero | ser | people customer waiter | er
lazy | perezoso | ser | people kin pet student worker | er
hardworking | trabajador | ser | people kin role | more
patient | paciente | ser | people role kin | more
generous | generoso | ser | people kin friend | more
selfish | egoísta | ser | people | more
curious | curioso | ser | people pet monkey | more
famous | famoso | ser | role building book song artwork museum city shown exhibition | more
popular | popular | ser | song singer actor musician dancer teacher player shown eatery book game |
    more
rich | rico | ser | grown kin country | er
poor | pobre | ser | people country | er only
important | importante | ser | event issue idea papers letter exam city rule passage | more
interesting | interesante | ser | book idea shown exhibition people city museum outing job lesson
    passage | more
boring | aburrido | ser | book shown exhibition class task meeting job event passage life | more
exciting | emocionante | ser | outing match shown race game | more
easy | fácil | ser | task query recipe learned language subject game | er
difficult | difícil | ser | task query learned language subject job game passage sentence | more
simple | sencillo | ser | recipe plan query meal rule utterance rule | er
useful | útil | ser | tool book device dictionary idea map | more
useless | inútil | ser | device tool idea | more
necessary | necesario | ser | papers remedy tool | more
dangerous | peligroso | ser | wild way job snake tool city incident conveyance | more
safe | seguro | ser | way city town vehicle conveyance airport | er
quiet | tranquilo | ser | town way outdoors room neighborhood library hotel | er
noisy | ruidoso | ser | way city eatery appliance room child neighborhood | er
expensive | caro | ser | clothing device vehicle conveyance home eatery jewel hotel papers meat
    food furniture book toy container gift appliance dish dessert drink vehicle | more
cheap | barato | ser | clothing device hotel eatery papers fruit food vegetable book toy
    container gift appliance dish drink vehicle furniture | er
comfortable | cómodo | ser | furniture clothing room hotel vehicle conveyance shoe | more
elegant | elegante | ser | clothing people hotel eatery jewel | more
strange | extraño | ser | dream people noise idea animal story | er
perfect | perfecto | ser | plan day answer place gift weather
special | especial | ser | gift day dinner | more
favorite | favorito | ser | book song dish color shown shop eatery toy singer | only-attributive
traditional | tradicional | ser | dish clothing festival music | more
typical | típico | ser | dish clothing festival | more
original | original | ser | idea gift story | more
round | redondo | ser | table mirror plate clock
square | cuadrado | ser | table box mirror
soft | suave | ser | pillow blanket towel sweater kitten music | er
sharp | afilado | estar | knife scissors pencil | er
healthy | saludable | ser | dish fruit meal staple vegetable | er
famous | famoso | ser | sight | more
dark | oscuro | ser | room cave forest street | er
bright | luminoso | ser | room home office | er
married | casado | estar | people kin role friend | only
single | soltero | ser | people kin friend | only
good | bueno | ser | book idea shown eatery role friend gift hotel answer people plan song
    student job school example explanation salary life food meal drink | better pre
bad | malo | ser | idea dream student movie day plan | worse pre
great | grande | ser | idea book singer writer event artist teacher | pre only-attributive
excellent | excelente | ser | idea book eatery student role dish answer wine hotel
terrible | terrible | ser | incident idea dream weather mistake noise
wonderful | maravilloso | ser | outing idea city people event gift dinner
fantastic | fantástico | ser | outing idea shown concert party
delicious | delicioso | estar | dish dessert meal fruit meat staple vegetable
tasty | sabroso | estar | dish fruit meat | er
hot | caliente | estar | soup coffee tea milk water dish meal pizza bread plate | er
cold | frío | estar | drink soup food pizza | er
fresh | fresco | estar | fruit vegetable bread milk salmon egg | er
sweet | dulce | estar | fruit dessert | er
salty | salado | estar | soup meat French-fries | er
sour | agrio | estar | lemon milk grape orange
spicy | picante | estar | sauce taco soup | er
ripe | maduro | estar | fruit avocado tomato | only
full | lleno | estar | vessel container transit theater hotel stadium bucket pocket | only
empty | vacío | estar | vessel container transit street hotel house wallet | only
clean | limpio | estar | clothing cleaned kitchenware linen driven water body | er
dirty | sucio | estar | clothing cleaned kitchenware linen driven hand shoe car-part pocket
    platform | er
broken | roto | estar | vessel window mirror toy chair device appliance car-part | only
open | abierto | estar | opening shop museum eatery | only
closed | cerrado | estar | opening shop museum eatery school office | only
wet | mojado | estar | clothing hair linen pet floor street | er
dry | seco | estar | clothing linen hair grass greenery | er
ready | listo | estar | meal kin people friend report | only
tired | cansado | estar | people kin role friend pet livestock infant | more mood
happy | feliz | estar | people kin role friend infant | er mood
sad | triste | estar | people kin friend pet infant | er mood
angry | enojado | estar | people kin role friend | er mood
worried | preocupado | estar | people kin role friend | more mood
nervous | nervioso | estar | people kin role friend pet livestock | more mood
bored | aburrido | estar | people kin friend | mood only
excited | emocionado | estar | people kin friend | mood only
surprised | sorprendido | estar | people kin friend | mood only
scared | asustado | estar | people pet livestock wild kin | mood only
calm | tranquilo | estar | people kin pet livestock sea infant | er mood
proud | orgulloso | estar | people kin | er mood only
jealous | celoso | estar | people kin | mood only
busy | ocupado | estar | people kin role friend | er mood only
sick | enfermo | estar | people kin role friend pet livestock infant | er mood only
sure | seguro | estar | people kin friend | mood only
alone | solo | estar | people kin pet | only
lost | perdido | estar | people pet tourist | only
awake | despierto | estar | people kin pet infant | only
asleep | dormido | estar | people kin pet infant | only
alive | vivo | estar | people pet plant | only
dead | muerto | estar | plant insect | only
confused | confundido | estar | people kin student tourist | mood only
disappointed | decepcionado | estar | people kin friend | mood only
relaxed | relajado | estar | people kin | mood only
furious | furioso | estar | people kin boss | mood only
injured | herido | estar | people wild pet player | only
drunk | borracho | estar | man | only
red | rojo | ser | clothing driven flower apple ball container bird door | color
blue | azul | ser | clothing driven flower sky container painted bird ball eye | color
green | verde | ser | clothing driven container painted eye plant bird apple greenery | color
yellow | amarillo | ser | clothing driven flower painted bird lemon | color
white | blanco | ser | clothing driven flower painted horse cat dog rabbit cloud | color
black | negro | ser | clothing driven dog cat horse container | color
brown | marrón | ser | clothing furniture horse dog eye container | color
gray | gris | ser | clothing cat driven sky mouse | color
pink | rosado | ser | clothing flower painted | color
purple | morado | ser | clothing flower grape | color
golden | dorado | ser | jewel | color
wooden | de madera | ser | table chair bench door box bridge spoon | invariable material
electric | eléctrico | ser | guitar driven oven heater
digital | digital | ser | camera clock
public | público | ser | school library transit park | relational
private | privado | ser | school hospital | relational
local | local | ser | newspaper market eatery | relational
national | nacional | ser | museum library team park | relational
foreign | extranjero | ser | tourist student language | relational
medical | médico | ser | exam | relational
tropical | tropical | ser | fruit island forest bird | relational
wild | salvaje | ser | horse duck animal | relational
daily | diario | ser | newspaper | relational
used | usado | ser | vehicle conveyance book clothing furniture | relational
professional | profesional | ser | role player | relational
romantic | romántico | ser | dinner song movie city novel | more
mysterious | misterioso | ser | people noise letter | more
colorful | colorido | ser | clothing bird artwork flower | more
crowded | lleno de gente | estar | transit street eatery beach stadium | only more
modest | modesto | ser | people home | more
loyal | leal | ser | friend dog | more
talented | talentoso | ser | artist musician singer player dancer actor | more
creative | creativo | ser | people artist role | more
responsible | responsable | ser | people student role kin | more
optimistic | optimista | ser | people kin friend | more
pessimistic | pesimista | ser | people kin | more
sociable | sociable | ser | people friend pet | more
strict | estricto | ser | teacher boss kin rule coach | more
fair | justo | ser | rule law price judge | er
blind | ciego | ser | people pet | only
deaf | sordo | ser | people pet | only
bald | calvo | ser | man father grandfather uncle | only
blond | rubio | ser | people kin
left-handed | zurdo | ser | people player kin | only
vegetarian | vegetariano | ser | people friend dish
fragile | frágil | ser | vessel kitchenware | more
glad | contento | estar | people kin friend | mood only
wrong | equivocado | estar | people kin friend | only
free | libre | estar | people kin friend taxi seat | only
crazy | loco | estar | people kin friend | er mood
stupid | tonto | ser | people | er
silly | tonto | ser | people joke | er
different | diferente | ser | idea people book city culture tradition | more
common | común | ser | problem mistake | more
normal | normal | ser | people day life | more
real | real | ser | problem reason solution
clear | claro | ser | idea explanation answer question example | er
guilty | culpable | ser | people thief | only
innocent | inocente | ser | people | more
silent | callado | estar | people kin class | only
cute | lindo | ser | pet baby infant boy girl | er
weird | raro | ser | people idea dream noise | er
satisfied | satisfecho | estar | people kin boss customer | mood only
ashamed | avergonzado | estar | people kin | mood only
thankful | agradecido | estar | people kin friend | mood only
lonely | solo | estar | people kin | only
pleasant | agradable | ser | people place day weather trip | more
peaceful | tranquilo | ser | place town night | more
successful | exitoso | ser | people firm event business | more
powerful | poderoso | ser | monarch country engine people | more
wise | sabio | ser | people grandmother grandfather monarch decision | er
helpful | servicial | ser | people role friend | more
careful | cuidadoso | ser | people role driver | more
"""
