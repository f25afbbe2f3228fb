"""Nouns for animals and plants."""

NOUNS = """
animal | el animal | wild livestock
dog | el perro | pet
cat | el gato | pet
puppy | el cachorro | pet
kitten | el gatito | pet
rabbit | el conejo | pet
parrot | el loro | pet bird
turtle | la tortuga | pet
hamster | el hámster | pet
horse | el caballo | livestock ridden
donkey | el burro | livestock ridden
camel | el camello | wild ridden
cow | la vaca | livestock
bull | el toro | livestock
pig | el cerdo | livestock
goat | la cabra | livestock
hen | la gallina | livestock
rooster | el gallo | livestock
duck | el pato | livestock
goose/geese | el ganso | livestock
mouse/mice | el ratón | wild
rat | la rata | wild
bird | el pájaro | wild bird
lion | el león | wild
tiger | el tigre | wild
bear | el oso | wild
wolf/wolves | el lobo | wild
fox | el zorro | wild
elephant | el elefante | wild
monkey | el mono | wild
giraffe | la jirafa | wild
zebra | la cebra | wild
snake | la serpiente | wild
frog | la rana | wild
spider | la araña | wild
bee | la abeja | insect
butterfly | la mariposa | insect
ant | la hormiga | insect
mosquito/mosquitoes | el mosquito | insect
insect | el insecto | insect
owl | el búho | wild bird
eagle | la águila | wild bird
whale | la ballena | marine
shark | el tiburón | marine
dolphin | el delfín | marine
penguin | el pingüino | wild
squirrel | la ardilla | wild
kangaroo | el canguro | wild
crocodile | el cocodrilo | wild
gorilla | el gorila | wild
panda | el panda | wild
lizard | el lagarto | wild
pigeon | la paloma | wild bird
swan | el cisne | wild bird
tree | el árbol | plant
flower | la flor | flower
rose | la rosa | flower
tulip | el tulipán | flower
plant | la planta | flower
leaf/leaves | la hoja | greenery
branch | la rama | greenery
root | la raíz | greenery
seed | la semilla | greenery
bush | el arbusto | plant
grass | la hierba | greenery mass
"""
