"""Nouns for people, and the names the sentences use.

A line is `english | article and Spanish | classes`. `a/b` gives an irregular English plural, or the
Spanish feminine; `el/la` marks one form for both genders. Classes say where a noun makes sense.
"""

NOUNS = """
mother | la madre | kin single
father | el padre | kin single
brother | el hermano | kin
sister | la hermana | kin
son | el hijo | kin
daughter | la hija | kin
grandmother | la abuela | kin
grandfather | el abuelo | kin
parents | los padres | kin plural
grandparents | los abuelos | kin plural
uncle | el tío | kin
aunt | la tía | kin
cousin | el primo/prima | kin
nephew | el sobrino | kin
niece | la sobrina | kin
husband | el esposo | kin single partner
wife/wives | la esposa | kin single partner
grandson | el nieto | kin
granddaughter | la nieta | kin
boyfriend | el novio | kin single partner
girlfriend | la novia | kin single partner
mother-in-law/mothers-in-law | la suegra | kin single
father-in-law/fathers-in-law | el suegro | kin single
brother-in-law/brothers-in-law | el cuñado | kin
sister-in-law/sisters-in-law | la cuñada | kin
stepmother | la madrastra | kin single
stepfather | el padrastro | kin single
godmother | la madrina | kin single
godfather | el padrino | kin single
baby | el bebé | infant
child/children | el niño | people
boy | el niño | people
girl | la niña | people
man/men | el hombre | grown
woman/women | la mujer | grown
person/people | la persona | grown
teenager | el/la adolescente | people
gentleman/gentlemen | el caballero | grown
lady | la señora | grown
adult | el adulto | grown
friend | el amigo/amiga | friend mine
neighbor | el vecino/vecina | friend
boss | el jefe/jefa | friend
guest | el invitado/invitada | friend
coworker | el compañero de trabajo/compañera de trabajo | friend mine
classmate | el compañero de clase/compañera de clase | friend mine
roommate | el compañero de cuarto/compañera de cuarto | friend mine
stranger | el desconocido/desconocida | grown
tourist | el/la turista | grown
traveler | el viajero/viajera | grown
passenger | el pasajero/pasajera | grown
customer | el cliente/clienta | grown
visitor | el/la visitante | grown
thief/thieves | el ladrón/ladrona | grown
winner | el ganador/ganadora | grown
teacher | el profesor/profesora | role friend
doctor | el médico/médica | role friend
dentist | el/la dentista | role friend
lawyer | el abogado/abogada | role friend
secretary | el secretario/secretaria | role friend
student | el/la estudiante | role friend
assistant | el/la asistente | role friend
coach/coaches | el entrenador/entrenadora | role friend
nurse | el enfermero/enfermera | role
engineer | el ingeniero/ingeniera | role
chef | el chef/chef | role
waiter | el mesero | role
waitress | la mesera | role
driver | el conductor/conductora | role
farmer | el granjero/granjera | role
gardener | el jardinero/jardinera | role
carpenter | el carpintero/carpintera | role
baker | el panadero/panadera | role
butcher | el carnicero/carnicera | role
mechanic | el mecánico/mecánica | role
plumber | el plomero/plomera | role
firefighter | el bombero/bombera | role
soldier | el soldado/soldado | role
pilot | el/la piloto | role
sailor | el marinero/marinera | role
journalist | el/la periodista | role
writer | el escritor/escritora | role
singer | el/la cantante | role
dancer | el bailarín/bailarina | role
actor | el actor | role
actress | la actriz | role
painter | el pintor/pintora | role
musician | el músico/música | role
artist | el/la artista | role
architect | el arquitecto/arquitecta | role
scientist | el científico/científica | role
accountant | el contador/contadora | role
manager | el/la gerente | role
hairdresser | el peluquero/peluquera | role
tailor | el sastre/sastra | role
photographer | el fotógrafo/fotógrafa | role
librarian | el bibliotecario/bibliotecaria | role
translator | el traductor/traductora | role
judge | el juez/jueza | role
programmer | el programador/programadora | role
psychologist | el psicólogo/psicóloga | role
veterinarian | el veterinario/veterinaria | role
cashier | el cajero/cajera | role
electrician | el/la electricista | role
fisherman/fishermen | el pescador | role
worker | el trabajador/trabajadora | role
detective | el/la detective | role
banker | el banquero/banquera | role
guide | el/la guía | role
police officer | el policía/policía | role
flight attendant | el asistente de vuelo/asistente de vuelo | role
king | el rey | monarch
queen | la reina | monarch
prince | el príncipe | monarch
princess | la princesa | monarch
president | el presidente/presidenta | monarch
mayor | el alcalde/alcaldesa | monarch
clown | el payaso | role
astronaut | el/la astronauta | role
surgeon | el cirujano/cirujana | role
pharmacist | el farmacéutico/farmacéutica | role
babysitter | el niñero/niñera | role
player | el jugador/jugadora | grown
witness | el/la testigo | grown
expert | el experto/experta | grown
poet | el/la poeta | role
biologist | el biólogo/bióloga | role
chemist | el químico/química | role
researcher | el investigador/investigadora | role
salesman/salesmen | el vendedor | role
saleswoman/saleswomen | la vendedora | role
mom | la mamá | kin single
dad | el papá | kin single
kid | el niño | people
police inspector | el inspector de policía/inspectora de policía | role
enemy | el enemigo/enemiga | friend
hero/heroes | el héroe | grown
leader | el líder | grown
twin | el gemelo/gemela | grown
"""

WOMEN = """Ana Carmen Laura Marta Elena Sara Emma Lisa Mary Kate Julia Clara Rosa Paula Alice Susan
Linda Teresa Isabel Diana""".split()
MEN = """Carlos Pedro Luis Pablo Miguel Jorge Tom John Peter Daniel David Diego Mark Paul Antonio
Juan Bob Jack Manuel Robert""".split()
