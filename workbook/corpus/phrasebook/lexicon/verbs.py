"""Verbs: what they mean in Spanish, who does them, and to what.

A line is `english | spanish | subjects | objects | flags`. The tables stand for frames: what a verb
needs beside its subject. Subjects and objects name classes of nouns, or single nouns. Flags:
`state` (its past is an imperfect, it has no progressive), `event` (no plain present, no
progressive), `rare` (no plain present), `noprog` (no progressive), `mishap` (nobody means to),
`daily` (one does it to the same thing again and again), `generic` (its object is the whole kind:
`hate onions` is `odiar las cebollas`), `pointed` (it is a certain thing), `known` (one that both
know), `noclitic` (no pronoun object), `it-only people-only` (of pronouns, only these), `alone` (no
personal a), `worn` (a state with a progressive), `animals` (the personal a stands before animals
too), and the adverbs of manner and the places that suit the verb.
"""

INTRANSITIVE = """
sleep | dormir | person pet livestock wild infant | | well rest here
cry | llorar | people kin infant | | loudly
laugh | reírse | person infant | | loudly
smile | sonreír | person infant
dance | bailar | person | | well badly party
sing | cantar | person bird | | well badly
run | correr | person pet wild | | fast slowly outside
swim | nadar | person marine | | well fast swim
jump | saltar | person pet wild
work | trabajar | person | | hard well work here
study | estudiar | person | | hard study here
travel | viajar | person
rest | descansar | person pet livestock wild | | rest
cook | cocinar | person | | well badly cook
talk | hablar | person | | fast slowly loudly softly
shout | gritar | person | | loudly
whisper | susurrar | person
wait | esperar | person | | patiently here
walk | caminar | person | | fast slowly quietly outside
fly | volar | bird insect | | high
drive | conducir | person | | well badly carefully slowly fast
read | leer | person | | slowly fast study
write | escribir | person | | well slowly carefully study
paint | pintar | person | | well
draw | dibujar | person | | well
snore | roncar | person | | loudly
sneeze | estornudar | person | | mishap
cough | toser | person | | mishap
breathe | respirar | person | | slowly quietly
arrive | llegar | person transit | | late early event
fall | caerse | person | | event mishap
bark | ladrar | dog | | loudly
disappear | desaparecer | person pet | | event mishap
pray | rezar | person
ski | esquiar | person | | well badly
skate | patinar | person | | well badly
camp | acampar | person | | outside
smoke | fumar | person
wake up | despertarse | person | | early late
get up | levantarse | person | | early late
sit down | sentarse | person
lie down | acostarse | person pet
shower | ducharse | person | | fast
shave | afeitarse | person | | carefully
relax | relajarse | person | | rest
complain | quejarse | person
hurry | apurarse | person
retire | jubilarse | role kin | | event
die | morir | people kin pet | | event mishap
apologize | disculparse | people kin
joke | bromear | people kin
fight | pelear | people kin
stand up | ponerse de pie | person
escape | escapar | people pet thief | | event
eat | comer | person pet | | eatery well
drink | beber | person pet | | eatery
play | jugar | person pet infant | | outside well
"""

TRANSITIVE = """
eat | comer | person | dish fruit vegetable dessert staple meat | eatery
eat | comer | pet wild | meat
eat | comer | livestock | grass corn apple carrot
cook | cocinar | person | cookable | cook
drink | beber | person | drink | eatery
buy | comprar | person | fruit vegetable staple drink clothing furniture device vehicle book toy
    jewel container kitchenware appliance home flower stationery instrument tool artwork remedy
    ticket glasses | shop
sell | vender | person | fruit vegetable furniture device vehicle book jewel home instrument
    artwork flower clothing
order | pedir | person | dish drink dessert meat | eatery
want | querer | person | dish fruit drink dessert clothing device vehicle book toy jewel home
    pet instrument job | state alone
need | necesitar | person | support doctor lawyer dentist plumber mechanic clothing device
    stationery tool papers remedy money container thing linen job | state alone
look for | buscar | person | thing clothing device papers book stationery jewel data container
    glasses kin pet office institution shop | animals
find | encontrar | person | thing papers book jewel coin container glasses pet job money
    | event animals
lose | perder | person | thing papers jewel container glasses money device clothing luggage | event
forget | olvidar | person | thing data papers container glasses device event task | event
bring | traer | person | dish drink dessert book gift toy instrument tool chair container | event
carry | llevar | person | container luggage tool instrument furniture
wash | lavar | person | clothing kitchenware driven fruit vegetable linen | daily
clean | limpiar | person | cleaned | daily
open | abrir | person | opening | daily
close | cerrar | person | opening | daily
read | leer | person | book text papers passage | study
write | escribir | person | written sentence word answer instructions | study
watch | ver | person | shown
see | ver | person | person pet livestock wild bird shown exhibition artwork landscape sight height
    stars cloud storm sea ocean lake river infant home building shop vehicle conveyance town city
    plant flower eatery school kin friend | noprog animals
listen to | escuchar | person | music sound
hear | oír | person | sound music person pet | noprog animals
play | tocar | person | instrument | daily pointed
drive | conducir | person | driven | daily pointed
wear | llevar | person | clothing jewel glasses | state worn
paint | pintar | person | painted
build | construir | person | house bridge fence wall school tower | event
fix | arreglar | person | device appliance vehicle furniture part opening car-part
repair | reparar | person | device appliance vehicle furniture part opening
break | romper | person | kitchenware toy vessel window mirror device | event
visit | visitar | person | sight town kin friend exhibition | daily
know | conocer | person | kin friend role town sight eatery | state people-only
know | saber | person | truth data | state it-only
love | querer | person | kin pet | state animals people-only known
hate | odiar | person | dish vegetable insect task noise | state generic
prefer | preferir | person | dish fruit drink dessert meat | state generic
help | ayudar | person | kin friend people | daily
call | llamar | person | kin friend role | daily
invite | invitar | person | kin friend
hug | abrazar | person | kin friend people pet infant | daily animals
kiss | besar | person | kin people infant | daily
meet | conocer | person | kin friend role monarch people | event
greet | saludar | person | kin friend role people | daily
miss | extrañar | person | kin friend pet town country | state animals known
follow | seguir | person pet | person pet wild | animals
wait for | esperar | person | kin friend transit
look at | mirar | person | artwork sky stars landscape height person pet wild infant | animals
take care of | cuidar | person | kin people pet livestock plant flower infant | daily animals
remember | recordar | person | data kin friend incident outing idea | state
understand | entender | person | query utterance rule issue idea kin role | state
learn | aprender | person | language
study | estudiar | person | language subject | study
teach | enseñar | person | language subject
speak | hablar | person | language
explain | explicar | person | sentence word example problem rule idea learned game | event
answer | contestar | person | query letter email message phone
solve | resolver | person | problem | event
correct | corregir | person | exam exercise mistake report
finish | terminar | person | task project book report | event
do | hacer | person | homework exercise
make | hacer | person | sandwich cake soup salad pizza
prepare | preparar | person | meal dish
serve | servir | person | meal dish drink dessert
use | usar | person | device tool kitchenware dictionary appliance | daily
turn on | encender | person | switched | daily
turn off | apagar | person | switched | daily
pay | pagar | person | paid
spend | gastar | person | money
earn | ganar | person | money
save | ahorrar | person | money
win | ganar | person group | match race prize game | event
plant | plantar | person | plant flower | rare
water | regar | person | plant flower yard | daily
grow | cultivar | role people kin | vegetable fruit flower
celebrate | celebrar | person | celebrated | event
organize | organizar | person | event | event
cancel | cancelar | person | event booking flight outing | event
miss | perder | person | transit flight | event noclitic
park | estacionar | person | driven | rare
cross | cruzar | person pet | crossed
climb | subir | person | height | rare
sign | firmar | person | papers letter | rare
translate | traducir | person | text book
draw | dibujar | person | pet livestock wild flower building height plant | animals
collect | coleccionar | person | coin stamp toy
hide | esconder | person | gift money key toy | event
push | empujar | person | driven furniture | rare
move | mover | person | furniture container appliance | rare
lift | levantar | person | furniture container luggage | rare
touch | tocar | person | mineral animal pet artwork plant | event animals
wrap | envolver | person | gift | rare
fill | llenar | person | vessel container | rare
empty | vaciar | person | vessel container | rare
return | devolver | person | book gift clothing tool coin money | event
rent | alquilar | person | home vehicle | rare
choose | elegir | person | gift clothing color book dish name home | event
taste | probar | person | dish dessert drink | event
share | compartir | person | dish dessert room money secret idea
iron | planchar | person | shirt T-shirt blouse dress skirt pants uniform sheet tablecloth | daily
fold | doblar | person | shirt T-shirt blouse dress pants sweater scarf blanket sheet towel
    napkin | daily
dry | secar | person | clothing kitchenware linen
brush | cepillar | person | pet horse | daily animals
catch | atrapar | person pet | thief wild insect | event animals
chase | perseguir | pet wild | pet bird mouse insect | animals
bite | morder | pet wild | person | event animals
rescue | rescatar | role people | people pet | event animals
arrest | arrestar | police-officer | thief | event
protect | proteger | person | kin people animal | animals
describe | describir | person | person landscape painting home | event
discover | descubrir | person | secret truth cave island | event
recognize | reconocer | person | kin friend voice person song | event
recommend | recomendar | person | book shown eatery dish sight | event
admire | admirar | person | artwork landscape role kin | state
steal | robar | thief people | jewel money container vehicle device | event
pack | empacar | person | clothing | event
borrow | tomar prestado | person | book tool driven umbrella | event noclitic
check | revisar | person | email message papers report task bill
accept | aceptar | person | gift job idea | event
count | contar | person | coin stars money
study | estudiar | person | lesson learned
attend | asistir a | person | event school | pointed noclitic
enjoy | disfrutar de | person | meal event outing music holiday | pointed noclitic
memorize | memorizar | person | poem song data | event
deliver | entregar | person | sent report | event
examine | examinar | doctor dentist veterinarian | body people pet | event animals
feed | alimentar | person | pet livestock infant bird | daily animals
design | diseñar | role | building clothing jewel
manage | dirigir | manager boss role | firm office institution workplace | state
copy | copiar | person | recipe address exercise
burn | quemar | person | dish papers | event
melt | derretir | person | butter chocolate cheese
mix | mezclar | person | ingredient
add | añadir | person | ingredient | event
peel | pelar | person | fruit potato carrot onion
marry | casarse con | people kin | people role friend | event noclitic
forgive | perdonar | person | kin friend people
respect | respetar | person | kin friend role | state
receive | recibir | person | sent gift news | event
throw | tirar | person | toy mineral trash | rare
pick up | recoger | person | toy book paper clothing trash | event
cut | cortar | person | fruit vegetable paper bread cake meat | rare
kill | matar | person | insect spider snake | event
attack | atacar | wild pet | people livestock pet | event animals
enter | entrar en | person | room shop building cave home | event noclitic
trust | confiar en | person | kin friend role | state noclitic
change | cambiar | person | plan password address tire lightbulb job | event
invent | inventar | person | story game device | event
train | entrenar | person | dog horse team | rare animals
hold | sostener | person | container toy umbrella candle | rare
"""

# english | spanish | things given
DITRANSITIVE = """
give | dar | gift book drink money key toy flower jewel remedy | rare
send | enviar | sent artwork flower money | rare
show | mostrar | artwork book clothing room papers map city | rare
lend | prestar | book money tool driven clothing umbrella stationery | rare
bring | traer | drink dish book gift remedy dessert | rare
sell | vender | vehicle furniture book instrument home | rare
tell | contar | told | rare
explain | explicar | problem rule idea learned game | rare
write | escribir | letter postcard email message | rare
offer | ofrecer | drink dessert job seat money | rare
return | devolver | book money key tool clothing | rare
teach | enseñar | language game song | rare
serve | servir | drink dish dessert | rare
"""

# english | spanish and its preposition | destinations
MOTION = """
go | ir a | shop eatery leisure office institution station school outdoors sight study town city
    country workplace
come | venir a | home office institution eatery school party city
return | volver a | home hotel school office institution town city country
walk | caminar a | shop school station office institution outdoors study
run | correr a | station school outdoors shop
travel | viajar a | city country town coast island
drive | ir en coche a | station city workplace town coast
fly | volar a | city country
move | mudarse a | city country town | event
"""

# A verb and a place it happens in: english | spanish | subjects | places
SETTLED = """
live | vivir | person | city country home town island farm | state
work | trabajar | person | shop eatery office institution workplace school hotel museum farm
    city | daily
study | estudiar | person | school study city country | daily
stay | quedarse | person | hotel city home | event
wait | esperar | person | station hotel office institution study | daily
"""

# english | spanish | link | flags; what follows is an infinitive
CONTROL = """
want | querer | | state
need | necesitar | | state
try | intentar | |
decide | decidir | | event
hope | esperar | | state
plan | planear | | state
learn | aprender | a |
start | empezar | a | event
begin | empezar | a | event
promise | prometer | | event
prefer | preferir | | state
forget | olvidar | | event
refuse | negarse | a | event
manage | lograr | | event
have | tener | que | state
expect | esperar | | state
"""

# english | spanish | link: what follows is an -ing form
GERUND_CONTROL = """
stop | dejar | de | event
finish | terminar | de | event
start | empezar | a | event
avoid | evitar | | event
"""

# What one thinks, says or knows: english | spanish | flags; a clause follows
CLAUSAL = """
think | creer | state
know | saber | state
say | decir | event
believe | creer | state
remember | recordar | state
hear | oír | event
notice | notar | event
"""
