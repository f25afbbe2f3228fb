"""Nouns for the city, travel and nature; countries, cities and the people who come from there."""

NOUNS = """
city | la ciudad | town
town | el pueblo | town
village | la aldea | town
neighborhood | el barrio | district
street | la calle | way crossed
avenue | la avenida | way crossed
road | la carretera | way crossed
highway | la autopista | way crossed
square | la plaza | outdoors crossed
park | el parque | outdoors crossed
bridge | el puente | way crossed
building | el edificio | building painted
tower | la torre | building
store | la tienda | shop
supermarket | el supermercado | shop
market | el mercado | shop
bakery | la panadería | shop
pharmacy | la farmacia | shop
bookstore | la librería | shop
butcher shop | la carnicería | shop
shoe store | la zapatería | shop
toy store | la juguetería | shop
restaurant | el restaurante | eatery
cafeteria | la cafetería | eatery
bar | el bar | eatery
hotel | el hotel | building
hospital | el hospital | institution
clinic | la clínica | institution
church | la iglesia | building
cathedral | la catedral | sight
museum | el museo | sight
theater | el teatro | leisure
movie theater | el cine | leisure
stadium | el estadio | leisure
gym | el gimnasio | leisure
swimming pool | la piscina | leisure
zoo | el zoológico | leisure
post office | la oficina de correos | institution
police station | la comisaría | institution
airport | el aeropuerto | station
train station | la estación de tren | station
bus stop | la parada de autobús | station
subway station | la estación de metro | station
harbor | el puerto | station
beach | la playa | outdoors
farm | la granja | outdoors workplace
castle | el castillo | sight
palace | el palacio | sight
temple | el templo | sight
ruins | las ruinas | sight plural
prison | la cárcel | building
school | la escuela | school painted
university | la universidad | school
classroom | el salón de clases | room cleaned painted
library | la biblioteca | study
office | la oficina | workplace cleaned office-room
factory | la fábrica | workplace
company | la empresa | firm
corner | la esquina | district
sidewalk | la acera | way
traffic light | el semáforo | street-thing
bench | la banca | street-thing
statue | la estatua | street-thing
fountain | la fuente | street-thing
parking lot | el estacionamiento | lot
gas station | la gasolinera | lot
embassy | la embajada | institution
border | la frontera | way crossed
country | el país | country
car | el coche | vehicle driven
bus | el autobús | transit conveyance
train | el tren | transit conveyance
plane | el avión | transit conveyance
subway | el metro | transit conveyance
bicycle | la bicicleta | vehicle ridden
motorcycle | la motocicleta | vehicle ridden
truck | el camión | vehicle driven
taxi | el taxi | transit conveyance
boat | el bote | vehicle
ship | el barco | conveyance
helicopter | el helicóptero | conveyance
ambulance | la ambulancia | conveyance
van | la camioneta | vehicle driven
tractor | el tractor | vehicle driven
wheel | la rueda | car-part
tire | la llanta | car-part
engine | el motor | car-part
seat | el asiento | car-part
suitcase | la maleta | container opening luggage
passport | el pasaporte | papers
ticket | el boleto | papers
visa | la visa | papers
reservation | la reservación | booking
map | el mapa | text goods-text
trip | el viaje | outing
flight | el vuelo | ride
platform | el andén | district
luggage | el equipaje | luggage mass
tent | la tienda de campaña | thing
sun | el sol | sky
moon | la luna | sky
star | la estrella | stars
sky | el cielo | sky
sea | el mar | waters
ocean | el océano | waters
river | el río | waters crossed stream
lake | el lago | waters crossed stream
stream | el arroyo | waters crossed stream
canal | el canal | waters crossed stream
waterfall | la cascada | landscape
mountain | la montaña | height
hill | la colina | height
volcano/volcanoes | el volcán | height
valley | el valle | landscape
forest | el bosque | landscape crossed
jungle | la selva | landscape crossed
desert | el desierto | landscape crossed
island | la isla | landscape
cave | la cueva | landscape
coast | la costa | landscape
path | el sendero | way crossed
countryside | el campo | land
field | el campo | landscape crossed
stone | la piedra | mineral
rock | la roca | mineral
cloud | la nube | weather
storm | la tormenta | weather
rain | la lluvia | weather mass
snow | la nieve | weather mass
wind | el viento | weather mass
bike | la bicicleta | vehicle ridden
college | la universidad | school
club | el club | leisure
capital | la capital | town
bus station | la estación de autobuses | station
dry cleaner | la tintorería | shop
hair salon | la peluquería | shop
ice cream shop | la heladería | shop
station | la estación | station
"""

# English | Spanish, with its article where it takes one | adjective | language or -
COUNTRIES = """
Spain | España | Spanish | español
Mexico | México | Mexican | mexicano
France | Francia | French | francés
Italy | Italia | Italian | italiano
Germany | Alemania | German | alemán
England | Inglaterra | English | inglés
Portugal | Portugal | Portuguese | portugués
Japan | Japón | Japanese | japonés
China | China | Chinese | chino
Brazil | Brasil | Brazilian | brasileño
Argentina | Argentina | Argentinian | argentino
Peru | Perú | Peruvian | peruano
Chile | Chile | Chilean | chileno
Colombia | Colombia | Colombian | colombiano
Canada | Canadá | Canadian | canadiense
Cuba | Cuba | Cuban | cubano
Russia | Rusia | Russian | ruso
India | India | Indian | indio
Greece | Grecia | Greek | griego
Egypt | Egipto | Egyptian | egipcio
Poland | Polonia | Polish | polaco
Ireland | Irlanda | Irish | irlandés
Switzerland | Suiza | Swiss | suizo
Sweden | Suecia | Swedish | sueco
Venezuela | Venezuela | Venezuelan | venezolano
Australia | Australia | Australian | australiano
Turkey | Turquía | Turkish | turco
Morocco | Marruecos | Moroccan | marroquí
"""
CITIES = """
Madrid | Madrid
Barcelona | Barcelona
Seville | Sevilla
Paris | París
London | Londres
New York | Nueva York
Rome | Roma
Lima | Lima
Lisbon | Lisboa
Tokyo | Tokio
Berlin | Berlín
Moscow | Moscú
Athens | Atenas
Buenos Aires | Buenos Aires
Mexico City | Ciudad de México
Bogota | Bogotá
Havana | La Habana
Geneva | Ginebra
Vienna | Viena
Boston | Boston
Chicago | Chicago
Milan | Milán
"""
LANGUAGES = """
English | inglés
Spanish | español
French | francés
German | alemán
Italian | italiano
Portuguese | portugués
Chinese | chino
Japanese | japonés
Russian | ruso
Arabic | árabe
Greek | griego
Polish | polaco
Turkish | turco
Swedish | sueco
"""
