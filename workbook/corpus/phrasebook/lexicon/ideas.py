"""Nouns for school, work, media, money, health, time and thoughts."""

NOUNS = """
book | el libro | book
notebook | el cuaderno | stationery
pen | el bolígrafo | stationery
pencil | el lápiz | stationery
eraser | el borrador | stationery
ruler | la regla | stationery
paper | el papel | stationery mass
envelope | el sobre | stationery
stamp | la estampilla | stationery
calendar | el calendario | stationery
page | la página | passage
chapter | el capítulo | passage
dictionary | el diccionario | book
newspaper | el periódico | book
magazine | la revista | book
novel | la novela | book written
poem | el poema | text written
story | el cuento | text written told
letter | la carta | text written sent
postcard | la postal | text written sent
email | el correo | text written sent
message | el mensaje | text written sent
package | el paquete | sent opening
song | la canción | music
poster | el cartel | artwork
recipe | la receta | text written
menu | el menú | text
homework | la tarea | task mass
exam | el examen | task
exercise | el ejercicio | task
lesson | la lección | learned
class | la clase | event
course | el curso | event
question | la pregunta | query
answer | la respuesta | utterance
word | la palabra | utterance
sentence | la oración | utterance
problem | el problema | issue
idea | la idea | idea
plan | el plan | idea
opinion | la opinión | idea
mistake | el error | issue
example | el ejemplo | utterance
explanation | la explicación | utterance
instructions | las instrucciones | utterance plural
blackboard | la pizarra | furniture cleaned
meeting | la reunión | event
job | el trabajo | job
salary | el sueldo | wage
contract | el contrato | papers
report | el informe | text written
project | el proyecto | project
document | el documento | papers
form | el formulario | papers
interview | la entrevista | event
party | la fiesta | event celebrated
wedding | la boda | event celebrated
birthday | el cumpleaños | celebrated
anniversary | el aniversario | celebrated
concert | el concierto | event shown
festival | el festival | event
exhibition | la exposición | event
play | la obra de teatro | shown
movie | la película | shown
cartoon | la caricatura | shown
documentary | el documental | shown
match | el partido | event shown
game | el juego | game
show | el espectáculo | shown
program | el programa | shown
race | la carrera | event shown
dream | el sueño | idea
prize | el premio | gift
joke | el chiste | told
secret | el secreto | told
truth | la verdad | told unique
lie | la mentira | told
name | el nombre | data
number | el número | data
address | la dirección | data
phone number | el número de teléfono | data
password | la contraseña | data
price | el precio | amount
money | el dinero | money mass
coin | la moneda | coin
bill | la cuenta | paid
rent | la renta | paid mass
dollar | el dólar | currency
euro | el euro | currency
peso | el peso | currency
credit card | la tarjeta de crédito | papers
music | la música | music mass
noise | el ruido | sound
voice | la voz | sound
accident | el accidente | incident
fire | el incendio | incident
war | la guerra | incident
law | la ley | rule
rule | la regla | rule
team | el equipo | group
family | la familia | group
group | el grupo | group
life/lives | la vida | life
world | el mundo | world unique
medicine | la medicina | remedy mass
pill | la pastilla | remedy
headache | el dolor de cabeza | ailment
stomachache | el dolor de estómago | ailment
toothache | el dolor de muelas | ailment
fever | la fiebre | ailment
cough | la tos | ailment
cold | el resfriado | ailment
head | la cabeza | body hurts single
eye | el ojo | body hurts
ear | el oído | body hurts
nose | la nariz | body hurts single
mouth | la boca | body hurts single
tooth/teeth | el diente | body hurts
tongue | la lengua | body hurts single
neck | el cuello | body hurts single
shoulder | el hombro | body hurts
arm | el brazo | body hurts
elbow | el codo | body hurts
hand | la mano | body hurts
finger | el dedo | body hurts
leg | la pierna | body hurts
knee | la rodilla | body hurts
ankle | el tobillo | body hurts
foot/feet | el pie | body hurts
back | la espalda | body hurts single
stomach | el estómago | body hurts single
throat | la garganta | body hurts single
heart | el corazón | body single
hair | el pelo | body mass
face | la cara | body single
second | el segundo | span
minute | el minuto | span
hour | la hora | span
day | el día | span
week | la semana | span
month | el mes | span
year | el año | span
night | la noche | night
weekend | el fin de semana | night
vacation | las vacaciones | holiday
picture | la foto | artwork
language | el idioma | skill
news | las noticias | heard mass
advice | el consejo | heard mass
information | la información | heard mass
place | el lugar | spot
thing | la cosa | matter
business | el negocio | firm
health | la salud | life mass
peace | la paz | life mass
list | la lista | text written
speech | el discurso | written shown
hobby | el pasatiempo | matter
solution | la solución | idea
reason | la razón | idea
test | el examen | task
film | la película | shown
TV show | el programa de televisión | shown
dance | el baile | event
hope | la esperanza | life mass
art | el arte | learnt mass
culture | la cultura | learnt
tradition | la tradición | learnt
holiday | el día festivo | celebrated
conversation | la conversación | event
decision | la decisión | idea
help | la ayuda | support mass
work | el trabajo | labor mass
"""

SUBJECTS = """
math | las matemáticas
history | la historia
geography | la geografía
biology | la biología
chemistry | la química
physics | la física
literature | la literatura
philosophy | la filosofía
medicine | la medicina
law | el derecho
economics | la economía
"""
SPORTS = """
soccer | el fútbol
basketball | el baloncesto
tennis | el tenis
baseball | el béisbol
volleyball | el voleibol
golf | el golf
chess | el ajedrez
cards | las cartas
"""
MATERIALS = """
wood | madera
gold | oro
silver | plata
iron | hierro
plastic | plástico
cotton | algodón
wool | lana
leather | cuero
paper | papel
stone | piedra
silk | seda
glass | vidrio
clay | barro
metal | metal
"""
