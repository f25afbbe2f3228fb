"""Nouns for the house, furniture, devices, clothes and other things one owns."""

NOUNS = """
house | la casa | home painted cleaned
apartment | el apartamento | home cleaned painted
room | la habitación | room cleaned painted
bedroom | el dormitorio | room cleaned painted
kitchen | la cocina | room cleaned painted
bathroom | el baño | room cleaned painted
living room | la sala | room cleaned painted
dining room | el comedor | room cleaned painted
garden | el jardín | yard
yard | el patio | yard cleaned
garage | el garaje | room cleaned
basement | el sótano | room cleaned
attic | el ático | room cleaned
balcony | el balcón | part
hallway | el pasillo | room cleaned
roof | el techo | part painted
wall | la pared | part painted
floor | el piso | part cleaned
door | la puerta | opening painted
window | la ventana | opening cleaned
gate | el portón | opening painted
stairs | las escaleras | part plural cleaned
elevator | el ascensor | part
fence | la cerca | part painted
key | la llave | thing
table | la mesa | furniture cleaned surface
chair | la silla | furniture
sofa | el sofá | furniture
armchair | el sillón | furniture
bed | la cama | furniture surface
desk | el escritorio | furniture cleaned surface
lamp | la lámpara | furniture switched
mirror | el espejo | furniture cleaned
shelf/shelves | el estante | furniture surface
bookcase | el librero | furniture
drawer | el cajón | opening cleaned
closet | el armario | furniture opening
cupboard | la alacena | furniture opening
curtain | la cortina | linen
carpet | la alfombra | linen cleaned
pillow | la almohada | linen
blanket | la manta | linen
sheet | la sábana | linen
towel | la toalla | linen
soap | el jabón | thing mass
toothbrush | el cepillo de dientes | thing
hairbrush | el cepillo | thing
comb | el peine | thing
shower | la ducha | fixture cleaned
bathtub | la bañera | fixture cleaned
toilet | el inodoro | fixture cleaned
refrigerator | el refrigerador | appliance cleaned
oven | el horno | appliance cleaned switched
stove | la estufa | appliance cleaned switched
microwave | el microondas | appliance cleaned
washing machine | la lavadora | appliance switched
dishwasher | el lavavajillas | appliance switched
vacuum cleaner | la aspiradora | appliance switched
candle | la vela | thing
clock | el reloj | furniture
vase | el florero | thing
painting | el cuadro | artwork
photo | la foto | artwork
broom | la escoba | tool
bucket | el balde | tool
box | la caja | container opening
bag | la bolsa | container opening
basket | la canasta | container
toy | el juguete | toy
doll | la muñeca | toy
ball | la pelota | toy
balloon | el globo | toy
kite | la cometa | toy
puzzle | el rompecabezas | toy
ladder | la escalera | tool
hammer | el martillo | tool
nail | el clavo | tool
scissors | las tijeras | tool plural
rope | la cuerda | tool
needle | la aguja | tool
flashlight | la linterna | tool switched
lightbulb | el foco | tool
light | la luz | switched
heater | el calentador | appliance switched
fan | el ventilador | appliance switched
television | el televisor | device switched
radio | la radio | device switched
computer | la computadora | device switched
laptop | la computadora portátil | device switched
phone | el teléfono | device
cell phone | el celular | device
camera | la cámara | device
screen | la pantalla | device cleaned
keyboard | el teclado | device
printer | la impresora | device switched
battery | la batería | device
charger | el cargador | device
headphones | los audífonos | device plural
tablet | la tableta | device
piano | el piano | instrument
guitar | la guitarra | instrument
violin | el violín | instrument
drum | el tambor | instrument
trumpet | la trompeta | instrument
flute | la flauta | instrument
shirt | la camisa | clothing
T-shirt | la camiseta | clothing
blouse | la blusa | clothing
dress | el vestido | clothing
skirt | la falda | clothing
pants | los pantalones | clothing plural
jeans | los jeans | clothing plural
shoe | el zapato | clothing worn
boot | la bota | clothing worn
sandal | la sandalia | clothing worn
slipper | la pantufla | clothing worn
sock | el calcetín | clothing worn
hat | el sombrero | clothing
cap | la gorra | clothing
coat | el abrigo | clothing
jacket | la chaqueta | clothing
raincoat | el impermeable | clothing
sweater | el suéter | clothing
scarf/scarves | la bufanda | clothing
glove | el guante | clothing worn
tie | la corbata | clothing
belt | el cinturón | clothing
suit | el traje | clothing
uniform | el uniforme | clothing
swimsuit | el traje de baño | clothing
glasses | los lentes | glasses plural
sunglasses | los lentes de sol | glasses plural
watch | el reloj | jewel
ring | el anillo | jewel
necklace | el collar | jewel
earring | el arete | jewel
bracelet | la pulsera | jewel
umbrella | el paraguas | thing
purse | el bolso | container
backpack | la mochila | container opening
wallet | la cartera | container opening
button | el botón | thing
pocket | el bolsillo | cavity
gift | el regalo | gift
lipstick | el lápiz labial | thing
perfume | el perfume | thing
telephone | el teléfono | device
remote control | el control remoto | device
furniture | los muebles | furnishings mass
trash can | el bote de basura | container
iron | la plancha | appliance
trash | la basura | waste mass
"""
