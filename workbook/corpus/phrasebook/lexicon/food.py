"""Nouns for food, drink and what they are served in."""

NOUNS = """
bread | el pan | staple mass
butter | la mantequilla | staple mass
cheese | el queso | staple mass
rice | el arroz | staple mass cookable
pasta | la pasta | staple mass cookable
flour | la harina | ingredient mass
sugar | el azúcar | ingredient mass
salt | la sal | ingredient mass
pepper | la pimienta | ingredient mass
oil | el aceite | ingredient mass
vinegar | el vinagre | ingredient mass
honey | la miel | staple mass
jam | la mermelada | staple mass
yogurt | el yogur | staple mass portion
cereal | el cereal | staple mass
meat | la carne | meat mass cookable
beef | la carne de res | meat mass cookable
pork | la carne de cerdo | meat mass cookable
chicken | el pollo | meat mass cookable
ham | el jamón | meat mass
bacon | el tocino | meat mass cookable
tuna | el atún | meat mass
salmon | el salmón | meat mass cookable
seafood | los mariscos | meat mass cookable
sausage | la salchicha | dish cookable
steak | el filete | dish cookable
hamburger | la hamburguesa | dish cookable
pizza | la pizza | dish
sandwich | el sándwich | dish
soup | la sopa | dish cookable
salad | la ensalada | dish
omelet | la tortilla de huevo | dish cookable
pancake | el panqueque | dish cookable
taco | el taco | dish
egg | el huevo | dish cookable
French fries | las papas fritas | dish plural
noodles | los fideos | dish plural cookable
sauce | la salsa | dish
potato/potatoes | la papa | vegetable cookable
tomato/tomatoes | el tomate | vegetable
onion | la cebolla | vegetable
garlic | el ajo | vegetable mass
carrot | la zanahoria | vegetable
lettuce | la lechuga | vegetable mass
cucumber | el pepino | vegetable
bean | el frijol | vegetable cookable
corn | el maíz | vegetable mass cookable
mushroom | el champiñón | vegetable cookable
spinach | la espinaca | vegetable mass cookable
pumpkin | la calabaza | vegetable
lentil | la lenteja | vegetable cookable
avocado | el aguacate | vegetable
olive | la aceituna | vegetable
vegetable | la verdura | vegetable cookable
apple | la manzana | fruit
orange | la naranja | fruit
banana | el plátano | fruit
strawberry | la fresa | fruit
grape | la uva | fruit
lemon | el limón | fruit
pear | la pera | fruit
peach | el durazno | fruit
cherry | la cereza | fruit
pineapple | la piña | fruit
watermelon | la sandía | fruit
melon | el melón | fruit
mango | el mango | fruit
coconut | el coco | fruit
plum | la ciruela | fruit
fruit | la fruta | fruit mass
nut | la nuez | fruit
peanut | el cacahuate | fruit
cake | el pastel | dessert
cookie | la galleta | dessert
ice cream | el helado | dessert mass portion
chocolate | el chocolate | dessert mass
dessert | el postre | dessert
apple pie | el pastel de manzana | dessert
breakfast | el desayuno | meal
lunch | el almuerzo | meal
dinner | la cena | meal
food | la comida | meal mass
water | la agua | drink mass
coffee | el café | drink mass portion
tea | el té | drink mass portion
milk | la leche | drink mass
juice | el jugo | drink mass portion
orange juice | el jugo de naranja | drink mass portion
apple juice | el jugo de manzana | drink mass
wine | el vino | drink mass
beer | la cerveza | drink mass portion
lemonade | la limonada | drink mass portion
hot chocolate | el chocolate caliente | drink mass portion
soda | el refresco | drink mass portion
plate | el plato | kitchenware
glass | el vaso | kitchenware vessel single
cup | la taza | kitchenware vessel
fork | el tenedor | kitchenware
knife/knives | el cuchillo | kitchenware
spoon | la cuchara | kitchenware
teaspoon | la cucharita | kitchenware
pot | la olla | kitchenware
frying pan | el sartén | kitchenware
bowl | el tazón | kitchenware vessel
tray | la bandeja | kitchenware
napkin | la servilleta | kitchenware
bottle | la botella | container vessel
jar | el frasco | container
kettle | la tetera | kitchenware
tablecloth | el mantel | kitchenware
"""
