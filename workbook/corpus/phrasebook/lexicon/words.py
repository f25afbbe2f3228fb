"""The small words: adverbials of time, manner and place, and the phrases that stand alone.

Each line is `english | spanish | …`; in the tables of whole phrases every word has its tag,
`english/TAG`. A table's name says where its lines may stand.
"""

# When something happened.
PAST_TIMES = """
yesterday | ayer
last night | anoche
last week | la semana pasada
last month | el mes pasado
last year | el año pasado
last summer | el verano pasado
last winter | el invierno pasado
last weekend | el fin de semana pasado
the day before yesterday | anteayer
yesterday morning | ayer por la mañana
yesterday afternoon | ayer por la tarde
this morning | esta mañana
the other day | el otro día
again | otra vez
"""
# When something will happen.
FUTURE_TIMES = """
tomorrow | mañana
tonight | esta noche
next week | la próxima semana
next month | el próximo mes
next year | el próximo año
next summer | el próximo verano
next weekend | el próximo fin de semana
this weekend | este fin de semana
this afternoon | esta tarde
the day after tomorrow | pasado mañana
tomorrow morning | mañana por la mañana
tomorrow afternoon | mañana por la tarde
tomorrow night | mañana por la noche
soon | pronto
later | más tarde
this evening | esta noche
again | otra vez
"""
# How often, said at the sentence's end.
HABIT_TIMES = """
every day | todos los días
every morning | todas las mañanas
every afternoon | todas las tardes
every night | todas las noches
every week | todas las semanas
every month | todos los meses
every weekend | todos los fines de semana
once a week | una vez a la semana
twice a week | dos veces a la semana
once a month | una vez al mes
in the morning | por la mañana
in the afternoon | por la tarde
at night | por la noche
on weekends | los fines de semana
after school | después de la escuela
after work | después del trabajo
in the summer | en verano
in the winter | en invierno
in the evening | por la noche
every evening | todas las noches
every year | todos los años
"""
NOW_TIMES = """
now | ahora
right now | ahora mismo
at the moment | en este momento
"""
PERFECT_TIMES = """
many times | muchas veces
this week | esta semana
this year | este año
recently | recientemente
twice | dos veces
several times | varias veces
"""
# Said before the verb in both languages.
FREQUENCIES = """
always | siempre
usually | normalmente
often | a menudo
sometimes | a veces
never | nunca
rarely | rara vez
also | también
only | solo
"""
MANNERS = """
well | bien | well
badly | mal | badly
fast | rápido | fast
slowly | despacio | slowly
hard | mucho | hard
early | temprano | early
late | tarde | late
loudly | fuerte | loudly
carefully | con cuidado | carefully
patiently | pacientemente | patiently
a lot | mucho | well hard
quietly | en silencio | study rest quietly
quietly | en voz baja | softly
very well | muy bien | well
very fast | muy rápido | fast
very slowly | muy despacio | slowly
very early | muy temprano | early
very late | muy tarde | late
too fast | demasiado rápido | fast
too slowly | demasiado despacio | slowly
too loudly | demasiado fuerte | loudly
high | alto | high
"""
# Where something happens; the groups are those that verbs name.
SETTINGS = """
at home | en casa | eatery study rest cook party
in the kitchen | en la cocina | cook eatery
in the dining room | en el comedor | eatery
in a restaurant | en un restaurante | eatery
at the restaurant | en el restaurante | eatery
at school | en la escuela | study eatery
in the library | en la biblioteca | study
at the university | en la universidad | study
in the park | en el parque | outside rest
in the street | en la calle | outside
on the beach | en la playa | outside rest
in the garden | en el jardín | outside rest study
in the mountains | en las montañas | outside
at the party | en la fiesta | party
in the pool | en la piscina | swim
in the sea | en el mar | swim
in the lake | en el lago | swim
in the river | en el río | swim
at the market | en el mercado | shop
at the supermarket | en el supermercado | shop
downtown | en el centro | shop
on the internet | por internet | shop
on the sofa | en el sofá | rest
here | aquí | here
there | allí | here
"""
# Where somebody is; all with estar.
WHEREABOUTS = """
at home | en casa
at work | en el trabajo
at school | en la escuela
at the office | en la oficina
at the hospital | en el hospital
at the airport | en el aeropuerto
at the station | en la estación
at the beach | en la playa
at the movies | en el cine
at the door | en la puerta
in the kitchen | en la cocina
in the garden | en el jardín
in the bathroom | en el baño
in the park | en el parque
in the car | en el coche
in bed | en la cama
in class | en clase
on vacation | de vacaciones
on the bus | en el autobús
on the train | en el tren
on the phone | al teléfono
here | aquí
there | allí
outside | afuera
upstairs | arriba
downstairs | abajo
far from home | lejos de casa
in the hospital | en el hospital
in the city | en la ciudad
in the countryside | en el campo
"""
# Feelings that English is and Spanish has: english | spanish | much of it
POSSESSED = """
hungry | hambre | mucha
thirsty | sed | mucha
cold | frío | mucho
hot | calor | mucho
sleepy | sueño | mucho
lucky | suerte | mucha
"""
POSSESSED_PHRASES = """
right | razón
in a hurry | prisa
afraid | miedo
afraid of the dark | miedo a la oscuridad
afraid of dogs | miedo a los perros
afraid of spiders | miedo a las arañas
afraid of snakes | miedo a las serpientes
afraid of flying | miedo a volar
"""
# english | spanish; the subject is `it`
WEATHER_QUALITIES = """
cold | hace frío | hace mucho frío
hot | hace calor | hace mucho calor
sunny | hace sol | hace mucho sol
windy | hace viento | hace mucho viento
cool | hace fresco | hace mucho fresco
cloudy | está nublado | está muy nublado
foggy | hay niebla | hay mucha niebla
"""
WEATHER_VERBS = """
rain | llover
snow | nevar
"""
# What one says on its own: tokens/TAGS | spanish | kind
PHRASES = """
hello/INTJ | hola | exclamation
good/ADJ morning/NOUN | buenos días | exclamation
good/ADJ afternoon/NOUN | buenas tardes | exclamation
good/ADJ night/NOUN | buenas noches | exclamation
thank/VERB you/PRON | gracias | statement
thank/VERB you/PRON very/ADV much/ADV | muchas gracias | statement
thank/VERB you/PRON for/ADP your/PRON help/NOUN | gracias por tu ayuda | statement
you/PRON are/AUX welcome/ADJ | de nada | statement
nice/ADJ to/PART meet/VERB you/PRON | mucho gusto | statement
see/VERB you/PRON later/ADV | hasta luego | statement
see/VERB you/PRON tomorrow/NOUN | hasta mañana | statement
see/VERB you/PRON soon/ADV | hasta pronto | statement
goodbye/INTJ | adiós | exclamation
congratulations/INTJ | felicidades | exclamation
happy/ADJ birthday/NOUN | feliz cumpleaños | exclamation
merry/ADJ Christmas/PROPN | feliz Navidad | exclamation
happy/ADJ new/ADJ year/NOUN | feliz año nuevo | exclamation
good/ADJ luck/NOUN | buena suerte | exclamation
welcome/INTJ | bienvenido | exclamation
have/VERB a/DET good/ADJ trip/NOUN | buen viaje | exclamation
enjoy/VERB your/PRON meal/NOUN | buen provecho | exclamation
I/PRON am/AUX sorry/ADJ | lo siento | statement
I/PRON do/AUX n't/PART know/VERB | no sé | statement
I/PRON do/AUX n't/PART understand/VERB | no entiendo | statement
thanks/NOUN | gracias | statement
I/PRON am/AUX fine/ADJ | estoy bien | statement
I/PRON am/AUX very/ADV well/ADV | estoy muy bien | statement
I/PRON think/VERB so/ADV | creo que sí | statement
I/PRON hope/VERB so/ADV | espero que sí | statement
good/ADJ evening/NOUN | buenas noches | exclamation
it/PRON is/AUX true/ADJ | es verdad | statement
it/PRON is/AUX n't/PART true/ADJ | no es verdad | statement
it/PRON does/AUX n't/PART matter/VERB | no importa | statement
no/DET problem/NOUN | no hay problema | statement
what/PRON do/AUX you/PRON think/VERB | qué piensas | question
is/AUX it/PRON true/ADJ | es verdad | question
are/AUX you/PRON OK/ADJ | estás bien | question
of/ADP course/NOUN | por supuesto | statement
excuse/VERB me/PRON | disculpa | statement
how/ADV are/AUX you/PRON | cómo estás | question
how/ADV are/AUX you/PRON today/NOUN | cómo estás hoy | question
what/PRON is/AUX your/PRON name/NOUN | cómo te llamas | question
what/PRON time/NOUN is/AUX it/PRON | qué hora es | question
what/DET day/NOUN is/AUX it/PRON today/NOUN | qué día es hoy | question
where/ADV are/AUX you/PRON from/ADP | de dónde eres | question
where/ADV do/AUX you/PRON live/VERB | dónde vives | question
what/PRON do/AUX you/PRON do/VERB | a qué te dedicas | question
what/PRON are/AUX you/PRON doing/VERB | qué estás haciendo | question
what/PRON is/AUX the/DET matter/NOUN | qué pasa | question
what/PRON happened/VERB | qué pasó | question
how/ADV old/ADJ are/AUX you/PRON | cuántos años tienes | question
do/AUX you/PRON speak/VERB English/PROPN | hablas inglés | question
can/AUX you/PRON help/VERB me/PRON | puedes ayudarme | question
what/PRON is/AUX the/DET weather/NOUN like/ADP today/NOUN | qué tiempo hace hoy | question
who/PRON is/AUX it/PRON | quién es | question
what/PRON does/AUX this/DET word/NOUN mean/VERB | qué significa esta palabra | question
how/ADV do/AUX you/PRON say/VERB this/PRON in/ADP Spanish/PROPN | cómo se dice esto en español |
    question
where/ADV is/AUX the/DET bathroom/NOUN | dónde está el baño | question
the/DET sun/NOUN is/AUX shining/VERB | brilla el sol | statement
I/PRON need/VERB your/PRON help/NOUN | necesito tu ayuda | statement
the/DET bill/NOUN ,/PUNCT please/INTJ | la cuenta, por favor | statement
"""
