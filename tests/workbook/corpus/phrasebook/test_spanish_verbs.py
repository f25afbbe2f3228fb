"""Spanish conjugation, form by form, against forms written out by hand."""

import pytest

from workbook.corpus.phrasebook import lexicon
from workbook.corpus.phrasebook.lexicon.tables import rows
from workbook.corpus.phrasebook.spanish_verbs import (
    IRREGULAR_VERBS,
    PERSONS,
    TENSES,
    attach,
    command,
    conjugate,
    gerund,
    participle,
)

REGULAR = {
    ("hablar", "present"): "hablo hablas habla hablamos hablan",
    ("hablar", "preterite"): "hablé hablaste habló hablamos hablaron",
    ("hablar", "imperfect"): "hablaba hablabas hablaba hablábamos hablaban",
    ("hablar", "future"): "hablaré hablarás hablará hablaremos hablarán",
    ("hablar", "conditional"): "hablaría hablarías hablaría hablaríamos hablarían",
    ("hablar", "subjunctive"): "hable hables hable hablemos hablen",
    ("hablar", "past subjunctive"): "hablara hablaras hablara habláramos hablaran",
    ("comer", "present"): "como comes come comemos comen",
    ("comer", "preterite"): "comí comiste comió comimos comieron",
    ("comer", "imperfect"): "comía comías comía comíamos comían",
    ("comer", "future"): "comeré comerás comerá comeremos comerán",
    ("comer", "conditional"): "comería comerías comería comeríamos comerían",
    ("comer", "subjunctive"): "coma comas coma comamos coman",
    ("comer", "past subjunctive"): "comiera comieras comiera comiéramos comieran",
    ("vivir", "present"): "vivo vives vive vivimos viven",
    ("vivir", "preterite"): "viví viviste vivió vivimos vivieron",
    ("vivir", "imperfect"): "vivía vivías vivía vivíamos vivían",
    ("vivir", "future"): "viviré vivirás vivirá viviremos vivirán",
    ("vivir", "subjunctive"): "viva vivas viva vivamos vivan",
    ("vivir", "past subjunctive"): "viviera vivieras viviera viviéramos vivieran",
}

# Every irregular verb of the grammar: present yo, él, nosotros, ellos; subjunctive yo, nosotros;
# preterite yo, él, ellos; future yo; participle; gerund.
IRREGULAR = """
abrir | abro abre abrimos abren | abra abramos | abrí abrió abrieron | abriré | abierto | abriendo
acostar | acuesto acuesta acostamos acuestan | acueste acostemos
    | acosté acostó acostaron | acostaré | acostado | acostando
actuar | actúo actúa actuamos actúan | actúe actuemos
    | actué actuó actuaron | actuaré | actuado | actuando
agradecer | agradezco agradece agradecemos agradecen | agradezca agradezcamos
    | agradecí agradeció agradecieron | agradeceré | agradecido | agradeciendo
almorzar | almuerzo almuerza almorzamos almuerzan | almuerce almorcemos
    | almorcé almorzó almorzaron | almorzaré | almorzado | almorzando
andar | ando anda andamos andan | ande andemos
    | anduve anduvo anduvieron | andaré | andado | andando
aparecer | aparezco aparece aparecemos aparecen | aparezca aparezcamos
    | aparecí apareció aparecieron | apareceré | aparecido | apareciendo
atravesar | atravieso atraviesa atravesamos atraviesan | atraviese atravesemos
    | atravesé atravesó atravesaron | atravesaré | atravesado | atravesando
caber | quepo cabe cabemos caben | quepa quepamos | cupe cupo cupieron | cabré | cabido | cabiendo
caer | caigo cae caemos caen | caiga caigamos | caí cayó cayeron | caeré | caído | cayendo
calentar | caliento calienta calentamos calientan | caliente calentemos
    | calenté calentó calentaron | calentaré | calentado | calentando
cerrar | cierro cierra cerramos cierran | cierre cerremos
    | cerré cerró cerraron | cerraré | cerrado | cerrando
colgar | cuelgo cuelga colgamos cuelgan | cuelgue colguemos
    | colgué colgó colgaron | colgaré | colgado | colgando
comenzar | comienzo comienza comenzamos comienzan | comience comencemos
    | comencé comenzó comenzaron | comenzaré | comenzado | comenzando
conducir | conduzco conduce conducimos conducen | conduzca conduzcamos
    | conduje condujo condujeron | conduciré | conducido | conduciendo
confiar | confío confía confiamos confían | confíe confiemos
    | confié confió confiaron | confiaré | confiado | confiando
conocer | conozco conoce conocemos conocen | conozca conozcamos
    | conocí conoció conocieron | conoceré | conocido | conociendo
construir | construyo construye construimos construyen | construya construyamos
    | construí construyó construyeron | construiré | construido | construyendo
contar | cuento cuenta contamos cuentan | cuente contemos
    | conté contó contaron | contaré | contado | contando
continuar | continúo continúa continuamos continúan | continúe continuemos
    | continué continuó continuaron | continuaré | continuado | continuando
corregir | corrijo corrige corregimos corrigen | corrija corrijamos
    | corregí corrigió corrigieron | corregiré | corregido | corrigiendo
costar | cuesto cuesta costamos cuestan | cueste costemos
    | costé costó costaron | costaré | costado | costando
crecer | crezco crece crecemos crecen | crezca crezcamos
    | crecí creció crecieron | creceré | crecido | creciendo
cubrir | cubro cubre cubrimos cubren | cubra cubramos
    | cubrí cubrió cubrieron | cubriré | cubierto | cubriendo
dar | doy da damos dan | dé demos | di dio dieron | daré | dado | dando
decir | digo dice decimos dicen | diga digamos | dije dijo dijeron | diré | dicho | diciendo
defender | defiendo defiende defendemos defienden | defienda defendamos
    | defendí defendió defendieron | defenderé | defendido | defendiendo
demostrar | demuestro demuestra demostramos demuestran | demuestre demostremos
    | demostré demostró demostraron | demostraré | demostrado | demostrando
derretir | derrito derrite derretimos derriten | derrita derritamos
    | derretí derritió derritieron | derretiré | derretido | derritiendo
desaparecer | desaparezco desaparece desaparecemos desaparecen | desaparezca desaparezcamos
    | desaparecí desapareció desaparecieron | desapareceré | desaparecido | desapareciendo
describir | describo describe describimos describen | describa describamos
    | describí describió describieron | describiré | descrito | describiendo
descubrir | descubro descubre descubrimos descubren | descubra descubramos
    | descubrí descubrió descubrieron | descubriré | descubierto | descubriendo
despedir | despido despide despedimos despiden | despida despidamos
    | despedí despidió despidieron | despediré | despedido | despidiendo
despertar | despierto despierta despertamos despiertan | despierte despertemos
    | desperté despertó despertaron | despertaré | despertado | despertando
destruir | destruyo destruye destruimos destruyen | destruya destruyamos
    | destruí destruyó destruyeron | destruiré | destruido | destruyendo
devolver | devuelvo devuelve devolvemos devuelven | devuelva devolvamos
    | devolví devolvió devolvieron | devolveré | devuelto | devolviendo
divertir | divierto divierte divertimos divierten | divierta divirtamos
    | divertí divirtió divirtieron | divertiré | divertido | divirtiendo
doler | duelo duele dolemos duelen | duela dolamos
    | dolí dolió dolieron | doleré | dolido | doliendo
dormir | duermo duerme dormimos duermen | duerma durmamos
    | dormí durmió durmieron | dormiré | dormido | durmiendo
elegir | elijo elige elegimos eligen | elija elijamos
    | elegí eligió eligieron | elegiré | elegido | eligiendo
empezar | empiezo empieza empezamos empiezan | empiece empecemos
    | empecé empezó empezaron | empezaré | empezado | empezando
encender | enciendo enciende encendemos encienden | encienda encendamos
    | encendí encendió encendieron | encenderé | encendido | encendiendo
encontrar | encuentro encuentra encontramos encuentran | encuentre encontremos
    | encontré encontró encontraron | encontraré | encontrado | encontrando
enfriar | enfrío enfría enfriamos enfrían | enfríe enfriemos
    | enfrié enfrió enfriaron | enfriaré | enfriado | enfriando
entender | entiendo entiende entendemos entienden | entienda entendamos
    | entendí entendió entendieron | entenderé | entendido | entendiendo
enviar | envío envía enviamos envían | envíe enviemos
    | envié envió enviaron | enviaré | enviado | enviando
envolver | envuelvo envuelve envolvemos envuelven | envuelva envolvamos
    | envolví envolvió envolvieron | envolveré | envuelto | envolviendo
escribir | escribo escribe escribimos escriben | escriba escribamos
    | escribí escribió escribieron | escribiré | escrito | escribiendo
esquiar | esquío esquía esquiamos esquían | esquíe esquiemos
    | esquié esquió esquiaron | esquiaré | esquiado | esquiando
estar | estoy está estamos están | esté estemos
    | estuve estuvo estuvieron | estaré | estado | estando
graduar | gradúo gradúa graduamos gradúan | gradúe graduemos
    | gradué graduó graduaron | graduaré | graduado | graduando
haber | he ha hemos han | haya hayamos | hube hubo hubieron | habré | habido | habiendo
hacer | hago hace hacemos hacen | haga hagamos | hice hizo hicieron | haré | hecho | haciendo
incluir | incluyo incluye incluimos incluyen | incluya incluyamos
    | incluí incluyó incluyeron | incluiré | incluido | incluyendo
ir | voy va vamos van | vaya vayamos | fui fue fueron | iré | ido | yendo
jugar | juego juega jugamos juegan | juegue juguemos
    | jugué jugó jugaron | jugaré | jugado | jugando
llover | lluevo llueve llovemos llueven | llueva llovamos
    | lloví llovió llovieron | lloveré | llovido | lloviendo
mantener | mantengo mantiene mantenemos mantienen | mantenga mantengamos
    | mantuve mantuvo mantuvieron | mantendré | mantenido | manteniendo
medir | mido mide medimos miden | mida midamos | medí midió midieron | mediré | medido | midiendo
mentir | miento miente mentimos mienten | mienta mintamos
    | mentí mintió mintieron | mentiré | mentido | mintiendo
morder | muerdo muerde mordemos muerden | muerda mordamos
    | mordí mordió mordieron | morderé | mordido | mordiendo
morir | muero muere morimos mueren | muera muramos
    | morí murió murieron | moriré | muerto | muriendo
mostrar | muestro muestra mostramos muestran | muestre mostremos
    | mostré mostró mostraron | mostraré | mostrado | mostrando
mover | muevo mueve movemos mueven | mueva movamos
    | moví movió movieron | moveré | movido | moviendo
nacer | nazco nace nacemos nacen | nazca nazcamos
    | nací nació nacieron | naceré | nacido | naciendo
negar | niego niega negamos niegan | niegue neguemos
    | negué negó negaron | negaré | negado | negando
nevar | nievo nieva nevamos nievan | nieve nevemos
    | nevé nevó nevaron | nevaré | nevado | nevando
obedecer | obedezco obedece obedecemos obedecen | obedezca obedezcamos
    | obedecí obedeció obedecieron | obedeceré | obedecido | obedeciendo
ofrecer | ofrezco ofrece ofrecemos ofrecen | ofrezca ofrezcamos
    | ofrecí ofreció ofrecieron | ofreceré | ofrecido | ofreciendo
oler | huelo huele olemos huelen | huela olamos | olí olió olieron | oleré | olido | oliendo
oír | oigo oye oímos oyen | oiga oigamos | oí oyó oyeron | oiré | oído | oyendo
parecer | parezco parece parecemos parecen | parezca parezcamos
    | parecí pareció parecieron | pareceré | parecido | pareciendo
pedir | pido pide pedimos piden | pida pidamos | pedí pidió pidieron | pediré | pedido | pidiendo
pensar | pienso piensa pensamos piensan | piense pensemos
    | pensé pensó pensaron | pensaré | pensado | pensando
perder | pierdo pierde perdemos pierden | pierda perdamos
    | perdí perdió perdieron | perderé | perdido | perdiendo
perseguir | persigo persigue perseguimos persiguen | persiga persigamos
    | perseguí persiguió persiguieron | perseguiré | perseguido | persiguiendo
pertenecer | pertenezco pertenece pertenecemos pertenecen | pertenezca pertenezcamos
    | pertenecí perteneció pertenecieron | perteneceré | pertenecido | perteneciendo
poder | puedo puede podemos pueden | pueda podamos | pude pudo pudieron | podré | podido | pudiendo
poner | pongo pone ponemos ponen | ponga pongamos
    | puse puso pusieron | pondré | puesto | poniendo
preferir | prefiero prefiere preferimos prefieren | prefiera prefiramos
    | preferí prefirió prefirieron | preferiré | preferido | prefiriendo
probar | pruebo prueba probamos prueban | pruebe probemos
    | probé probó probaron | probaré | probado | probando
prohibir | prohíbo prohíbe prohibimos prohíben | prohíba prohibamos
    | prohibí prohibió prohibieron | prohibiré | prohibido | prohibiendo
querer | quiero quiere queremos quieren | quiera queramos
    | quise quiso quisieron | querré | querido | queriendo
recomendar | recomiendo recomienda recomendamos recomiendan | recomiende recomendemos
    | recomendé recomendó recomendaron | recomendaré | recomendado | recomendando
reconocer | reconozco reconoce reconocemos reconocen | reconozca reconozcamos
    | reconocí reconoció reconocieron | reconoceré | reconocido | reconociendo
recordar | recuerdo recuerda recordamos recuerdan | recuerde recordemos
    | recordé recordó recordaron | recordaré | recordado | recordando
regar | riego riega regamos riegan | riegue reguemos
    | regué regó regaron | regaré | regado | regando
repetir | repito repite repetimos repiten | repita repitamos
    | repetí repitió repitieron | repetiré | repetido | repitiendo
resolver | resuelvo resuelve resolvemos resuelven | resuelva resolvamos
    | resolví resolvió resolvieron | resolveré | resuelto | resolviendo
reunir | reúno reúne reunimos reúnen | reúna reunamos
    | reuní reunió reunieron | reuniré | reunido | reuniendo
reír | río ríe reímos ríen | ría riamos | reí rio rieron | reiré | reído | riendo
rodar | ruedo rueda rodamos ruedan | ruede rodemos
    | rodé rodó rodaron | rodaré | rodado | rodando
romper | rompo rompe rompemos rompen | rompa rompamos
    | rompí rompió rompieron | romperé | roto | rompiendo
saber | sé sabe sabemos saben | sepa sepamos | supe supo supieron | sabré | sabido | sabiendo
salir | salgo sale salimos salen | salga salgamos
    | salí salió salieron | saldré | salido | saliendo
seguir | sigo sigue seguimos siguen | siga sigamos
    | seguí siguió siguieron | seguiré | seguido | siguiendo
sentar | siento sienta sentamos sientan | siente sentemos
    | senté sentó sentaron | sentaré | sentado | sentando
sentir | siento siente sentimos sienten | sienta sintamos
    | sentí sintió sintieron | sentiré | sentido | sintiendo
ser | soy es somos son | sea seamos | fui fue fueron | seré | sido | siendo
servir | sirvo sirve servimos sirven | sirva sirvamos
    | serví sirvió sirvieron | serviré | servido | sirviendo
sonreír | sonrío sonríe sonreímos sonríen | sonría sonriamos
    | sonreí sonrió sonrieron | sonreiré | sonreído | sonriendo
sostener | sostengo sostiene sostenemos sostienen | sostenga sostengamos
    | sostuve sostuvo sostuvieron | sostendré | sostenido | sosteniendo
soñar | sueño sueña soñamos sueñan | sueñe soñemos
    | soñé soñó soñaron | soñaré | soñado | soñando
sugerir | sugiero sugiere sugerimos sugieren | sugiera sugiramos
    | sugerí sugirió sugirieron | sugeriré | sugerido | sugiriendo
tener | tengo tiene tenemos tienen | tenga tengamos
    | tuve tuvo tuvieron | tendré | tenido | teniendo
traducir | traduzco traduce traducimos traducen | traduzca traduzcamos
    | traduje tradujo tradujeron | traduciré | traducido | traduciendo
traer | traigo trae traemos traen | traiga traigamos
    | traje trajo trajeron | traeré | traído | trayendo
tropezar | tropiezo tropieza tropezamos tropiezan | tropiece tropecemos
    | tropecé tropezó tropezaron | tropezaré | tropezado | tropezando
vaciar | vacío vacía vaciamos vacían | vacíe vaciemos
    | vacié vació vaciaron | vaciaré | vaciado | vaciando
venir | vengo viene venimos vienen | venga vengamos
    | vine vino vinieron | vendré | venido | viniendo
ver | veo ve vemos ven | vea veamos | vi vio vieron | veré | visto | viendo
vestir | visto viste vestimos visten | vista vistamos
    | vestí vistió vistieron | vestiré | vestido | vistiendo
volar | vuelo vuela volamos vuelan | vuele volemos
    | volé voló volaron | volaré | volado | volando
volver | vuelvo vuelve volvemos vuelven | vuelva volvamos
    | volví volvió volvieron | volveré | vuelto | volviendo
"""

# The lexicon's other verbs. A verb belongs here only if it is regular in every form.
REGULAR_VERBS = """
abrazar acampar aceptar admirar afeitar ahorrar alimentar alquilar añadir apagar aprender apurar
arreglar arrestar asistir atacar atrapar ayudar bailar bajar bañar barrer beber besar bromear
buscar cambiar caminar cancelar cantar casar celebrar cenar cepillar cocinar coleccionar comer
cometer compartir comprar contestar copiar correr cortar creer cruzar cuidar cultivar decidir
dejar desayunar descansar dibujar dirigir disculpar diseñar disfrutar doblar duchar empacar
empujar enseñar entrar entregar entrenar escapar esconder escuchar esperar estacionar estornudar
estudiar evitar examinar explicar extrañar firmar fumar ganar gastar gritar hablar intentar
inventar invitar jubilar ladrar lavar leer levantar limpiar llamar llegar llenar llevar llorar
lograr matar memorizar mezclar mirar montar mudar nadar necesitar notar odiar olvidar organizar
pagar pasear patinar peinar pelar pelear perdonar pintar planchar planear plantar preparar prestar
prometer proteger quedar quejar quemar quitar recibir recoger relajar reparar rescatar respetar
respirar revisar rezar robar roncar sacar saltar saludar secar subir susurrar terminar tirar tocar
tomar toser trabajar usar vender viajar visitar vivir
"""


def _rows():
    return [[cell.split() for cell in row] for row in rows(IRREGULAR)]


@pytest.mark.parametrize(("verb", "tense"), REGULAR)
def test_a_regular_verb_takes_its_endings(verb, tense):
    assert [conjugate(verb, tense, person) for person in PERSONS] == REGULAR[verb, tense].split()


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0][0])
def test_an_irregular_verb_has_the_forms_of_its_table(row):
    (verb,), present, subjunctive, preterite, (future,), (participle_,), (gerund_,) = row
    persons = ("1s", "3s", "1p", "3p")
    assert [conjugate(verb, "present", person) for person in persons] == present
    assert [conjugate(verb, "subjunctive", person) for person in ("1s", "1p")] == subjunctive
    assert [conjugate(verb, "preterite", person) for person in ("1s", "3s", "3p")] == preterite
    assert conjugate(verb, "future", "1s") == future
    assert participle(verb) == participle_
    assert gerund(verb) == gerund_


def test_every_irregular_verb_is_in_the_table():
    assert {row[0][0] for row in _rows()} == set(IRREGULAR_VERBS)


def test_every_verb_of_the_lexicon_is_either_irregular_or_known_to_be_regular():
    used = {verb.spanish for verb in lexicon.VERBS}
    used |= {activity.verb.spanish for activity in lexicon.ACTIVITIES}
    assert used - IRREGULAR_VERBS == set(REGULAR_VERBS.split())


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("ir", "iba ibas iba íbamos iban"),
        ("ser", "era eras era éramos eran"),
        ("ver", "veía veías veía veíamos veían"),
        ("tener", "tenía tenías tenía teníamos tenían"),
    ],
)
def test_three_verbs_alone_have_an_irregular_imperfect(verb, forms):
    assert [conjugate(verb, "imperfect", person) for person in PERSONS] == forms.split()


@pytest.mark.parametrize(
    ("verb", "first", "subjunctive"),
    [
        ("buscar", "busqué", "busque"),
        ("llegar", "llegué", "llegue"),
        ("cruzar", "crucé", "cruce"),
        ("recoger", "recogí", "recoja"),
        ("dirigir", "dirigí", "dirija"),
        ("leer", "leí", "lea"),
    ],
)
def test_spelling_keeps_the_sound(verb, first, subjunctive):
    assert conjugate(verb, "preterite", "1s") == first
    assert conjugate(verb, "subjunctive", "1s") == subjunctive


def test_a_verb_in_eer_spells_its_i_as_y_between_vowels():
    assert conjugate("leer", "preterite", "3s") == "leyó"
    assert conjugate("creer", "preterite", "3p") == "creyeron"
    assert (participle("leer"), gerund("leer")) == ("leído", "leyendo")


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("tener", "tuviera tuvieras tuviera tuviéramos tuvieran"),
        ("decir", "dijera dijeras dijera dijéramos dijeran"),
        ("dormir", "durmiera durmieras durmiera durmiéramos durmieran"),
        ("querer", "quisiera quisieras quisiera quisiéramos quisieran"),
    ],
)
def test_the_past_subjunctive_follows_the_preterite(verb, forms):
    assert [conjugate(verb, "past subjunctive", person) for person in PERSONS] == forms.split()


@pytest.mark.parametrize(
    ("verb", "familiar", "formal", "negative"),
    [
        ("hablar", "habla", "hable", "hables"),
        ("hacer", "haz", "haga", "hagas"),
        ("decir", "di", "diga", "digas"),
        ("ir", "ve", "vaya", "vayas"),
        ("poner", "pon", "ponga", "pongas"),
        ("salir", "sal", "salga", "salgas"),
        ("ser", "sé", "sea", "seas"),
        ("tener", "ten", "tenga", "tengas"),
        ("venir", "ven", "venga", "vengas"),
        ("cerrar", "cierra", "cierre", "cierres"),
        ("oír", "oye", "oiga", "oigas"),
        ("sostener", "sostén", "sostenga", "sostengas"),
    ],
)
def test_commands_to_tu_to_usted_and_not_to_do(verb, familiar, formal, negative):
    assert command(verb, "2s") == familiar
    assert command(verb, "3s") == formal
    assert command(verb, "2s", negative=True) == negative


@pytest.mark.parametrize(
    ("form", "clitics", "whole"),
    [
        ("comprar", "lo", "comprarlo"),
        ("comprar", "se lo", "comprárselo"),
        ("dar", "te lo", "dártelo"),
        ("oír", "lo", "oírlo"),
        ("reír", "te", "reírte"),
        ("compra", "lo", "cómpralo"),
        ("da", "me lo", "dámelo"),
        ("di", "lo", "dilo"),
        ("haz", "lo", "hazlo"),
        ("dé", "le", "dele"),
        ("levanta", "te", "levántate"),
        ("cuida", "la", "cuídala"),
        ("siente", "se", "siéntese"),
        ("ríe", "te", "ríete"),
        ("sigue", "me", "sígueme"),
        ("busque", "lo", "búsquelo"),
        ("construye", "lo", "constrúyelo"),
        ("envía", "la", "envíala"),
        ("lee", "lo", "léelo"),
        ("sostén", "lo", "sostenlo"),
        ("comiendo", "lo", "comiéndolo"),
        ("habla", "", "habla"),
    ],
)
def test_attached_pronouns_bring_the_accent_that_the_stress_needs(form, clitics, whole):
    assert attach(form, tuple(clitics.split())) == whole


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: conjugate("comer", "present", "2p"), "2p"),
        (lambda: conjugate("comer", "passive", "1s"), "passive"),
        (lambda: conjugate("casa", "present", "1s"), "casa"),
        (lambda: command("comer", "1s"), "first person"),
    ],
)
def test_what_cannot_be_conjugated_is_named(call, names):
    with pytest.raises(ValueError, match=names):
        call()


def test_every_verb_has_every_form():
    for verb in IRREGULAR_VERBS | set(REGULAR_VERBS.split()):
        for tense in TENSES:
            for person in PERSONS:
                assert conjugate(verb, tense, person)
