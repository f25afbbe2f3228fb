"""Whole verb phrases that are said as one: `english | spanish | groups`.

POSS stands for the subject's own possessive. Groups say when a phrase is natural: `home out habit
fun chore trip` (`habit` may be done every day), what may be said of it (`study healthy risky`),
that it takes no time (`moment`) or a means (`commute`), that it is said with its reason alone
(`only`) or of one person alone (`single`); `tired hungry …` name the reason one does it for.
"""

ACTIVITIES = """
have breakfast | desayunar | habit home
have lunch | almorzar | habit
have dinner | cenar | habit home
go home | irse a casa | habit tired sick rain late moment commute
stay at home | quedarse en casa | rain sick tired cold home
come home | volver a casa | habit moment commute
leave home | salir de casa | habit moment
go to bed | acostarse | habit tired sick late home moment
fall asleep | dormirse | tired moment
get dressed | vestirse | habit home
get married | casarse | once moment
brush POSS teeth | cepillarse los dientes | habit home healthy
wash POSS hands | lavarse las manos | habit home healthy
wash POSS hair | lavarse el pelo | habit home
wash POSS face | lavarse la cara | habit home single
comb POSS hair | peinarse | habit home
take a shower | ducharse | habit home hot
take a bath | bañarse | habit home
take off POSS shoes | quitarse los zapatos | home moment
take off POSS coat | quitarse el abrigo | hot moment
clean POSS room | limpiar POSS habitación | habit chore home
clean the house | limpiar la casa | habit chore home
wash the dishes | lavar los platos | habit chore home
do the laundry | lavar la ropa | habit chore home
make the bed | hacer la cama | habit chore home
take out the trash | sacar la basura | habit chore home
sweep the floor | barrer el piso | habit chore home
iron the clothes | planchar la ropa | chore home
do the homework | hacer la tarea | habit chore home study
do the shopping | hacer las compras | habit chore out
go shopping | ir de compras | habit fun out
go swimming | ir a nadar | fun out hot
go fishing | ir de pesca | fun out
go dancing | ir a bailar | fun out
go camping | ir de campamento | fun out
go to the beach | ir a la playa | fun out hot sunny
go to the park | ir al parque | fun out sunny
go to the doctor | ir al médico | sick out
go to the hospital | ir al hospital | sick out
go to school | ir a la escuela | habit out commute
go to work | ir al trabajo | habit out moment commute
go to class | ir a clase | habit out
go to church | ir a la iglesia | habit out
go to the movies | ir al cine | fun out
go to the gym | ir al gimnasio | habit fun out healthy
go out | salir | fun out
go for a walk | dar un paseo | fun out habit sunny healthy
take a walk | dar un paseo | fun out habit
walk the dog | pasear al perro | habit out chore
feed the cat | alimentar al gato | habit chore home
watch television | ver la televisión | habit fun home
watch a movie | ver una película | fun home rain
listen to music | escuchar música | habit fun home happy
listen to the radio | escuchar la radio | habit home
read the newspaper | leer el periódico | habit home
read a book | leer un libro | habit fun home rain bored
play soccer | jugar al fútbol | habit fun out sunny
play basketball | jugar al baloncesto | habit fun out
play tennis | jugar al tenis | habit fun out sunny
play chess | jugar al ajedrez | habit fun home
play cards | jugar a las cartas | habit fun home rain
play video games | jugar videojuegos | habit fun home bored
play with the dog | jugar con el perro | fun out
play with the children | jugar con los niños | fun habit
play in the park | jugar en el parque | fun out sunny
play the piano | tocar el piano | habit fun home
play the guitar | tocar la guitarra | habit fun home
ride a bicycle | montar en bicicleta | habit fun out sunny healthy
ride a horse | montar a caballo | fun out
take photos | tomar fotos | fun trip
take the bus | tomar el autobús | habit out hurry
take the train | tomar el tren | habit out trip
take the subway | tomar el metro | habit out hurry
take a taxi | tomar un taxi | late rain out hurry
take a nap | tomar una siesta | habit tired home
take a break | tomar un descanso | tired
take the medicine | tomar la medicina | sick habit
take an exam | hacer un examen | study
drink water | beber agua | habit thirsty hot healthy
drink a glass of water | beber un vaso de agua | thirsty hot
drink coffee | beber café | habit sleepy
drink tea | beber té | habit cold
drink a cup of coffee | beber una taza de café | sleepy
eat something | comer algo | hungry only
eat a sandwich | comer un sándwich | hungry
eat an apple | comer una manzana | hungry habit
eat fruit | comer fruta | habit healthy
eat at home | comer en casa | habit
eat in a restaurant | comer en un restaurante | fun out hungry
order a pizza | pedir una pizza | hungry home
make breakfast | preparar el desayuno | habit chore home hungry
make dinner | preparar la cena | habit chore home hungry
make coffee | preparar café | habit home sleepy
make a cake | hacer un pastel | fun home
cook dinner | preparar la cena | habit chore home hungry
set the table | poner la mesa | habit chore home
put on a sweater | ponerse un suéter | cold moment
put on a coat | ponerse un abrigo | cold moment
put on POSS shoes | ponerse los zapatos | home moment
close the window | cerrar la ventana | cold rain moment
open the window | abrir la ventana | hot moment
turn on the heater | encender el calentador | cold moment
turn on the light | encender la luz | dark moment
turn off the light | apagar la luz | home moment
turn on the fan | encender el ventilador | hot moment
take an umbrella | llevar un paraguas | rain
do exercise | hacer ejercicio | habit fun healthy
do yoga | hacer yoga | habit fun healthy
lose weight | bajar de peso | once moment
save money | ahorrar dinero | once
earn money | ganar dinero | once
spend money | gastar dinero | once
pay the bill | pagar la cuenta | out
pay the rent | pagar la renta | once
ask a question | hacer una pregunta | study
answer the phone | contestar el teléfono | home moment
answer the question | contestar la pregunta | study
send an email | enviar un correo | habit study
write a letter | escribir una carta | home
speak Spanish | hablar español | study
speak English | hablar inglés | study
learn Spanish | aprender español | study once
learn English | aprender inglés | study once
study for the exam | estudiar para el examen | study
work at home | trabajar en casa | habit home
work in the garden | trabajar en el jardín | habit chore out
have a party | hacer una fiesta | fun once
have fun | divertirse | fun
tell stories | contar cuentos | fun home
tell the truth | decir la verdad | once
tell a lie | decir una mentira | once moment
help at home | ayudar en casa | habit home
help with the housework | ayudar con las tareas domésticas | habit chore home
take care of the children | cuidar a los niños | habit home
take care of the garden | cuidar el jardín | habit chore
get up early | levantarse temprano | habit workday healthy moment
get up late | levantarse tarde | habit moment
wake up early | despertarse temprano | habit moment
arrive on time | llegar a tiempo | workday moment
arrive late | llegar tarde | workday moment
travel by train | viajar en tren | trip
travel by plane | viajar en avión | trip
travel by car | viajar en coche | trip
travel around the world | viajar por el mundo | trip once commute
pack POSS suitcase | hacer la maleta | trip
buy bread | comprar pan | habit chore out hungry
buy the tickets | comprar los boletos | trip
call the police | llamar a la policía | once
call a doctor | llamar a un médico | sick
change POSS mind | cambiar de opinión | once moment
change jobs | cambiar de trabajo | once moment
make a mistake | cometer un error | once moment
make a decision | tomar una decisión | once moment
make friends | hacer amigos | once moment
make noise | hacer ruido | fun
visit the museum | visitar el museo | fun out trip rain
visit POSS grandparents | visitar a POSS abuelos | habit out
call POSS mother | llamar a POSS madre | habit sad
talk to POSS friends | hablar con POSS amigos | habit fun
talk on the phone | hablar por teléfono | habit home
talk about politics | hablar de política | fun
think about the future | pensar en el futuro | once
dream about the sea | soñar con el mar | once
look for a job | buscar trabajo | once
look for the keys | buscar las llaves | home
wait for the bus | esperar el autobús | habit out
fix the car | arreglar el coche | chore
park the car | estacionar el coche | out
wash the car | lavar el coche | chore out
water the plants | regar las plantas | habit chore home
sit on the sofa | sentarse en el sofá | home tired
lie on the beach | acostarse en la playa | sunny moment
sing in the shower | cantar en la ducha | habit home happy
dance at the party | bailar en la fiesta | fun happy
smile | sonreír | happy
sing | cantar | happy fun
dance | bailar | happy fun
cry | llorar | sad
rest | descansar | tired sick healthy
sleep | dormir | tired sleepy
sleep well | dormir bien | habit healthy
run | correr | hurry fun habit healthy
hurry | apurarse | late moment
cook | cocinar | habit home fun
study | estudiar | habit study
swim | nadar | habit fun hot healthy
travel | viajar | fun trip
work | trabajar | habit workday
sit down | sentarse | tired moment
eat vegetables | comer verduras | habit healthy
drive fast | conducir rápido | risky
smoke | fumar | risky
swim in the river | nadar en el río | fun hot risky
climb the mountain | subir la montaña | fun risky
cross the street without looking | cruzar la calle sin mirar | risky
drive at night | conducir de noche | risky
read | leer | fun habit
paint | pintar | fun
draw | dibujar | fun
get up | levantarse | habit home moment
wake up | despertarse | habit moment
work from home | trabajar desde casa | habit home
drive to work | ir en coche al trabajo | habit out
walk to school | caminar a la escuela | habit out healthy
"""
