"""Words by which names are found in the texts of tasks, folded: lower case and without accents. Data only.

Given names are among the most frequent ones of the languages whose task lists are expected; other names are found by
what stands around them, see `redaction`.
"""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GIVEN_NAMES = _words(
    """
    aaliyah aaron abdul abdullah abigail ada adam adele adem adriana adrian agata agnes agnieszka ahmad ahmed aiden
    aisha akira alan alba albert alberto alejandra alejandro aleksandra alessandra alessandro alessia alex alexander
    alexandra alexandre alexis alfonso alfred ali alice alicia alina alisha allison alma amanda amandine amelia amelie
    amina amir amit amy ana anais anand anastasia anders andrea andreas andrei andres andrew andrzej andy angela
    angelica angelo anika anil anita anja anjali ann anna annabel anne annika anouk antje antoine anton antonella
    antonia antonio anya ariana arjun arnaud arthur artur arun asha ashley astrid aurelie aurora axel ayaan aylin ayse
    azra barbara bart bartosz beate beatrice beatriz ben benedikt benjamin benoit bernadette bernard bernd bert bettina
    bianca bilal birgit bjorn bogdan boris brandon brenda brendan brian brigitte bruce bruno bryan burak caio camila
    camilla camille can carina carla carlo carlos carmen carol carolin caroline catalina catarina caterina catherine
    cecile cecilia cem chantal charles charlotte chiara chloe chris christian christiane christina christine christoph
    christophe christopher cindy claire clara claudia claudio clemens clement colette colin connor conor cornelia
    cristian cristiana cristina cynthia dagmar daisuke daniel daniela daniele daniella danielle danny daria dario dave
    david davide deborah deepak deniz denise dennis derek diana didier diego dieter dilara dimitri dirk dmitri dmitry
    dominik dominique donald donna doris dorothea dorota douglas duarte dylan ebru eduardo edward ekaterina elaine elena
    eleni eleonora elif elisa elisabeth elise elizabeth elke ella ellen elodie elsa emanuel emanuele emil emilia emilie
    emily emine emma emmanuel emre enrico enrique eric erica erik erika erin ernst esra esteban esther eugenia eva
    evelyn ewa fabian fabien fabio fatima fatma federica federico felipe felix ferdinand fernanda fernando filip filipa
    filippo finn fiona flavia florence florian floriane franca francesca francesco francisca francisco franck francois
    francoise franziska frederic frederick frederik frida friedrich fritz gabriel gabriela gabriele gabriella gareth
    gary gemma geoffrey george georges gerald gerard gerd gerhard gianluca gianni gilles giorgia giorgio giovanna
    giovanni giulia giulio giuseppe gloria gonzalo gregor gregory greta guillaume gulsen gunther gustav gustavo hakan
    hamza hanna hannah hannes hans harald haruka harry hassan heather heidi heike heiko heinrich heinz helen helena
    helene helga helmut hendrik henri henrik henrique henry herbert hiroshi holger horst hubert hugo hugues ian ibrahim
    ida ignacio ilaria ines inga ingrid irena irene irina iris isaac isabel isabela isabella isabelle isla ivan ivana
    jack jackie jacob jacqueline jacques jakob jakub james jamie jan jana jane janet janine jasmin jasmine jason javier
    jean jeanne jeff jeffrey jennifer jenny jens jeremy jerome jesper jessica jill jim joachim joan joana joanna joao
    jochen joe joel johan johann johanna johannes john jonas jonathan jordan jorge jose josef josefina joseph josephine
    josh joshua joyce juan juana judith julia julian juliana julie julien juliette julio jun jurgen justin justyna kaan
    kai kamil kamila karen karim karin karina karl karla karolina karsten katarina katarzyna kate katharina katherine
    kathleen kathrin katja katrin kaya kayla keiko keith kelly ken kenji kenneth kerstin kevin khalid kim kirsten klara
    klaus konrad konstantin kristen kristin kristina krystyna kumar kurt kyle lara larissa lars laszlo laura laure
    laurence laurent lauren lea leah leila lena leo leon leonard leonardo leonie leonor leslie leticia liam lidia lilian
    liliana lina linda lisa lisbeth logan lola lorena lorenzo louis louisa louise luc luca lucas lucia luciana luciano
    lucie lucille lucy ludovic luigi luis luisa lukas luke luna lydia madison magdalena maja malgorzata malik malte
    manfred manon manuel manuela marc marcel marcela marcella marcello marcin marco marcos marcus marek margaret
    margarida margaux margherita maria mariam mariana marianne marie mariko marina mario marion marisa marius marjorie
    markus marlene marta martha martin martina martine mary maryam massimo mateo mateusz mathias mathieu mathilde
    matilda matteo matthew matthias maurice mauricio maurizio max maxime maximilian maya megan mehmet meike melanie
    melissa merve mia micha michael michaela michal michel michele michelle miguel mika mike mikhail mila milan milena
    mina miriam mirko mohamed mohammad mohammed moira monica monika monique moritz muhammad murat mustafa nadia nadine
    nadja nancy naomi natalia natalie nathalie nathan neha neil nelly nelson nicholas nick nicola nicolas nicole nikita
    niklas nikola nikolai nils nina nisha noah noemi noor nora norbert nuno nuria octavia olaf ole olga oliver olivia
    olivier omar oscar oskar osman otto pablo pamela paola paolo pascal patricia patrick patrik paul paula paulina
    pauline paulo pawel pedro peggy penelope peter petra phil philip philipp philippe phoebe pia pierre pilar piotr
    pooja priya quentin rachel rafael rahul rainer ralf ralph ramon ramona raphael raquel rashid raul ravi raymond
    rebecca regina reinhard renata renate rene ricardo riccardo richard rita robert roberta roberto robin rodrigo roger
    roland romain roman romy ronald rosa rosanna rosemary roxana ruben rui rupert russell ruth ryan sabine sabrina sally
    salma salvatore sam samantha samir samira samuel sandra sandrine sandro sanjay santiago sara sarah sascha saskia
    satoshi scott sean sebastian sebastien selin selma serena sergei sergey sergio seth shane shannon sharon shaun
    sheila shirley sibel sigrid silke silvia silvio simon simona simone sina sinan sofia sofie sonia sonja sophia sophie
    soren stacy stanislav stefan stefania stefanie stefano stella steph stephan stephane stephanie stephen steve steven
    stuart sunil susan susana susanna susanne susi suzanne sven svenja sylvain sylvia sylvie tamara tania tanja tara
    tatiana teresa thea theo theodor theresa therese thiago thibault thomas thorsten tiago tim timo timothy tina tobias
    todd tom tomas tomasz tommaso toni tony torsten tracy tristan udo ulrich ulrike umut ursula ute uwe valentin
    valentina valeria valerie vanessa vera veronica veronika veronique vicente victor victoria vijay viktor vikram
    vincent vincenzo virginia virginie vito vitor viviana vivian vladimir walter wanda wei wendy werner wilhelm william
    willy wojciech wolfgang xavier yannick yasmin yasmine yui yuki yuko yuri yusuf yves yvonne zachary zeynep zoe zofia
    zuzanna
    """
)

ALSO_WORDS = _words(
    """
    alex amber april art august autumn bill bob chase chuck cliff crystal dale dawn dean dick don drew duke eve faith
    frank gene ginger glen grace grant guy hal holly hope iris ivy jack jade jan jay jean jim joy june kai kim lance
    laurel lily long mark marina max may miles nick olive page pat pearl peter ray regina reed rich rob robin rocky rose
    ruby rusty sage sandy savannah scarlet sky sue summer ted toni tony violet wade ward will woody bay can umut deniz
    rosa sol cruz
    """
)
"""Given names that are words as well: names only where the case and the place say so."""

TITLES = _words(
    """
    mr mrs ms mx miss dr prof professor sir madam lord lady rev father sister brother aunt auntie uncle cousin grandma
    grandpa coach herr frau hr fr doktor tante onkel pfarrer monsieur madame mademoiselle mme mlle maitre oncle tata
    tonton senor senora senorita sr sra srta don dona tia tio abuela abuelo signor signora sig dott dottore zia zio
    senhor senhora bay bayan teyze amca mevrouw meneer pan pani
    """
)
"""A name follows these."""

CUES = _words(
    """
    call phone ring dial email e-mail mail text message msg meet ask remind tell invite visit thank contact ping nudge
    congratulate interview onboard pay repay with cc appelle appeler contacter rencontrer remercier inviter avec llamar
    llama contactar visitar invitar con ligar telefonar convidar com chiamare chiama contattare incontrare kontaktieren
    treffen bel bellen ara zadzwon
    """
)
"""A capitalised word after one of these is taken for a name."""

AFTER_CUES = _words(
    """
    anrufen treffen fragen einladen besuchen erinnern kontaktieren schreiben danken bellen mailen ara
    """
)
"""And before one of these."""

NO_NAMES = _words(
    """
    a an the my our your his her their this that all any both each every some no monday tuesday wednesday thursday
    friday saturday sunday january february march april may june july august september october november december montag
    dienstag mittwoch donnerstag freitag samstag sonntag januar februar marz mai juni juli oktober dezember lundi mardi
    mercredi jeudi vendredi samedi dimanche janvier fevrier mars avril juin juillet aout septembre octobre novembre
    decembre lunes martes miercoles jueves viernes sabado domingo enero febrero marzo abril mayo junio julio agosto
    septiembre octubre noviembre diciembre segunda terca quarta quinta sexta janeiro fevereiro marco maio junho julho
    setembro outubro novembro dezembro lunedi martedi mercoledi giovedi venerdi sabato domenica mom mum mama mutter
    mutti dad papa vater vati oma opa grandma grandpa maman mamie papi mae pai avo mamma nonna nonno anne baba arzt
    arztin zahnarzt zahnarztin finanzamt vermieter vermieterin hausverwaltung bank versicherung steuerberater chef
    chefin team kunde kunden kundin kollegen nachbarn handwerker werkstatt friseur schule kita hr it api sql crm erp ceo
    cto cfo vp pm qa kpi okr q1 q2 q3 q4 ok asap eod pdf cv cvs faq usa uk eu doctor dentist landlord accountant plumber
    electrician school office support finance legal marketing sales engineering customers customer client clients board
    manager boss everyone everybody todoist slack zoom teams google excel word python english german french spanish
    italian portuguese japanese turkish
    """
)
"""Capitalised words that are not taken for names where only a cue says so."""
