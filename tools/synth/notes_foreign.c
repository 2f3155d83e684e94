/* Notes in languages that the pipeline does not label from: Hindi in its own script and in Latin letters, Spanish, French, German, Portuguese, Italian. */
#include <stddef.h>

#include "notes.h"

#define TEXTS (const char *const[])

static const grammar_rule hindi[] = {
    {"welcome", TEXTS{"{hello} {diagnosis} {dose} {advice}", "{hello} {dose} {advice}", NULL}},
    {"progress", TEXTS{"{so_far} {dose}", "{hello} {so_far} {advice}", NULL}},
    {"improved", TEXTS{"{hello} {good} {good} {dose}", "{good} {keep} {advice}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {bad} {dose}", "{bad} {change} {advice}", NULL}},
    {"hello", TEXTS{"नमस्ते,", "नमस्कार,", "", NULL}},
    {"zone", TEXTS{"गालों", "माथे", "ठोड़ी", "नाक", NULL}},
    {"diagnosis", TEXTS{"आपके चेहरे पर मध्यम स्तर के मुँहासे हैं।", "आपके {zone} पर मुँहासे और कुछ दाग दिख रहे हैं।", NULL}},
    {"dose", TEXTS{"रात को सोने से पहले जेल लगाएँ।", "दवा दिन में एक बार खाने के बाद लें।", "क्रीम एक दिन छोड़कर लगाइए।", "सुबह सनस्क्रीन ज़रूर लगाएँ।", NULL}},
    {"advice", TEXTS{"दानों को हाथ न लगाएँ।", "पानी खूब पिएँ।", "दो हफ्ते बाद नई तस्वीरें भेजिए।", "तकिये का कवर बदलते रहें।", NULL}},
    {"so_far", TEXTS{"अभी कुछ कहना जल्दी होगा।", "{zone} पर थोड़ा फर्क है, बाकी वैसा ही है।", NULL}},
    {"good", TEXTS{"आपकी त्वचा पहले से काफी साफ है।", "{zone} के दाने लगभग ठीक हो गए हैं।", "लालिमा बहुत कम हो गई है।", "नए दाने नहीं निकले हैं, बहुत अच्छा।", NULL}},
    {"keep", TEXTS{"यही इलाज जारी रखें।", "दवा धीरे धीरे कम करेंगे।", NULL}},
    {"bad", TEXTS{"मुँहासे पहले से बढ़ गए हैं।", "{zone} पर नए दाने निकल आए हैं।", "लालिमा और सूजन ज़्यादा है।", "इस दवा से आराम नहीं हुआ।", NULL}},
    {"change", TEXTS{"हमें इलाज बदलना होगा।", "कृपया क्लिनिक आकर दिखाइए।", NULL}},
    {NULL, NULL},
};

static const grammar_rule hindi_roman[] = {
    {"welcome", TEXTS{"{hello} {diagnosis} {dose} {advice}", "{hello} {dose} {advice}", NULL}},
    {"progress", TEXTS{"{so_far} {dose}", "{hello} {so_far} {advice}", NULL}},
    {"improved", TEXTS{"{hello} {good} {good} {dose}", "{good} {keep} {advice}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {bad} {dose}", "{bad} {change} {advice}", NULL}},
    {"hello", TEXTS{"namaste ji,", "namaskar,", "", NULL}},
    {"zone", TEXTS{"gaalon", "mathe", "thodi", "naak", NULL}},
    {"diagnosis", TEXTS{"aapke chehre par muhase hain aur kuch daag bhi dikh rahe hain.", "aapke {zone} par daane hain, ilaaj se theek ho jayenge.", NULL}},
    {"dose", TEXTS{"raat ko sone se pehle gel lagaiye.", "dawai din mein ek baar khane ke baad lijiye.", "cream ek din chhod kar lagana hai.", "subah sunscreen zaroor lagayein.", NULL}},
    {"advice", TEXTS{"daano ko haath mat lagaiye.", "paani zyada piyein.", "do hafte baad nayi photo bhejiye.", "takiye ka cover badalte rahiye.", NULL}},
    {"so_far", TEXTS{"abhi kuch kehna jaldi hoga, thoda intezaar kijiye.", "{zone} par thoda farak hai, baaki waisa hi hai.", NULL}},
    {"good", TEXTS{"aapki twacha pehle se kaafi saaf lag rahi hai.", "{zone} ke daane lagbhag theek ho gaye hain.", "laali bahut kam ho gayi hai.", "naye daane nahi nikle hain, bahut achha.", NULL}},
    {"keep", TEXTS{"yahi ilaaj jaari rakhiye.", "dawai dheere dheere kam karenge.", NULL}},
    {"bad", TEXTS{"muhase pehle se badh gaye hain.", "{zone} par naye daane nikal aaye hain.", "laali aur soojan zyada hai.", "is dawai se aaram nahi hua hai.", NULL}},
    {"change", TEXTS{"hume ilaaj badalna padega.", "kripya clinic aakar dikhaiye.", NULL}},
    {NULL, NULL},
};

static const grammar_rule spanish[] = {
    {"welcome", TEXTS{"{hello} {diagnosis} {dose} {advice}", NULL}},
    {"progress", TEXTS{"{so_far} {dose}", "{hello} {so_far} {advice}", NULL}},
    {"improved", TEXTS{"{hello} {good} {good} {dose}", "{good} {keep} {advice}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {bad} {dose}", "{bad} {change} {advice}", NULL}},
    {"hello", TEXTS{"hola,", "buenos días,", "estimada paciente,", "", NULL}},
    {"zone", TEXTS{"las mejillas", "la frente", "el mentón", "la mandíbula", NULL}},
    {"diagnosis", TEXTS{"se trata de un acné moderado, sobre todo en {zone}.", "veo granos inflamados en {zone} y algunas manchas.", NULL}},
    {"dose", TEXTS{"aplique el gel cada noche sobre la piel seca.", "tome una cápsula al día después de la comida.", "use protector solar por la mañana.", NULL}},
    {"advice", TEXTS{"por favor no se toque los granos.", "envíeme fotos nuevas dentro de dos semanas.", "beba bastante agua y duerma bien.", NULL}},
    {"so_far", TEXTS{"todavía es pronto para saber si el tratamiento funciona.", "{zone} está más tranquila, el resto sigue igual.", NULL}},
    {"good", TEXTS{"su piel está mucho más limpia que el mes pasado.", "los granos de {zone} casi han desaparecido.", "el enrojecimiento ha bajado bastante.", "no hay lesiones nuevas, muy bien.", NULL}},
    {"keep", TEXTS{"siga con el mismo tratamiento.", "podemos reducir la dosis poco a poco.", NULL}},
    {"bad", TEXTS{"el acné ha empeorado desde la última visita.", "han salido más granos en {zone}.", "la inflamación es mayor que antes.", "este medicamento no le está ayudando.", NULL}},
    {"change", TEXTS{"tenemos que cambiar el tratamiento.", "pida una cita en la consulta, por favor.", NULL}},
    {NULL, NULL},
};

static const grammar_rule french[] = {
    {"welcome", TEXTS{"{hello} {diagnosis} {dose} {advice}", NULL}},
    {"progress", TEXTS{"{so_far} {dose}", "{hello} {so_far} {advice}", NULL}},
    {"improved", TEXTS{"{hello} {good} {good} {dose}", "{good} {keep} {advice}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {bad} {dose}", "{bad} {change} {advice}", NULL}},
    {"hello", TEXTS{"bonjour,", "bonsoir,", "chère patiente,", "", NULL}},
    {"zone", TEXTS{"les joues", "le front", "le menton", "la mâchoire", NULL}},
    {"diagnosis", TEXTS{"il s'agit d'une acné modérée, surtout sur {zone}.", "je vois des boutons enflammés sur {zone} et quelques taches.", NULL}},
    {"dose", TEXTS{"appliquez le gel chaque soir sur une peau bien sèche.", "prenez une gélule par jour après le repas.", "mettez une crème solaire le matin.", NULL}},
    {"advice", TEXTS{"surtout ne touchez pas les boutons.", "envoyez-moi de nouvelles photos dans deux semaines.", "changez souvent la taie d'oreiller.", NULL}},
    {"so_far", TEXTS{"il est encore trop tôt pour juger du traitement.", "c'est un peu plus calme par endroits, le reste ne bouge pas.", NULL}},
    {"good", TEXTS{"votre peau est bien plus nette que le mois dernier.", "les boutons sur {zone} ont presque disparu.", "les rougeurs ont nettement diminué.", "il n'y a pas de nouvelle lésion, bravo.", NULL}},
    {"keep", TEXTS{"continuez le même traitement.", "nous pouvons réduire la dose peu à peu.", NULL}},
    {"bad", TEXTS{"l'acné s'est aggravée depuis la dernière fois.", "il y a davantage de boutons sur {zone}.", "l'inflammation est plus forte qu'avant.", "ce médicament ne vous aide pas.", NULL}},
    {"change", TEXTS{"il faut changer de traitement.", "prenez rendez-vous au cabinet, s'il vous plaît.", NULL}},
    {NULL, NULL},
};

static const grammar_rule german[] = {
    {"welcome", TEXTS{"{hello} {diagnosis} {dose} {advice}", NULL}},
    {"progress", TEXTS{"{so_far} {dose}", "{hello} {so_far} {advice}", NULL}},
    {"improved", TEXTS{"{hello} {good} {good} {dose}", "{good} {keep} {advice}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {bad} {dose}", "{bad} {change} {advice}", NULL}},
    {"hello", TEXTS{"guten Tag,", "hallo,", "liebe Patientin,", "", NULL}},
    {"zone", TEXTS{"den Wangen", "der Stirn", "dem Kinn", "der Nase", NULL}},
    {"diagnosis", TEXTS{"es handelt sich um eine mittelschwere Akne, vor allem auf {zone}.", "ich sehe entzündete Pickel auf {zone} und einige Flecken.", NULL}},
    {"dose", TEXTS{"tragen Sie das Gel jeden Abend auf die trockene Haut auf.", "nehmen Sie täglich eine Kapsel nach dem Essen.", "morgens bitte Sonnenschutz verwenden.", NULL}},
    {"advice", TEXTS{"bitte nicht an den Pickeln drücken.", "schicken Sie mir in zwei Wochen neue Fotos.", "wechseln Sie oft den Kissenbezug.", NULL}},
    {"so_far", TEXTS{"es ist noch zu früh, um die Behandlung zu beurteilen.", "manches ist ruhiger geworden, der Rest ist unverändert.", NULL}},
    {"good", TEXTS{"Ihre Haut ist viel reiner als im letzten Monat.", "die Pickel auf {zone} sind fast verschwunden.", "die Rötung ist deutlich zurückgegangen.", "keine neuen Pickel, sehr schön.", NULL}},
    {"keep", TEXTS{"machen Sie bitte weiter so.", "wir können die Dosis langsam verringern.", NULL}},
    {"bad", TEXTS{"die Akne hat sich seit dem letzten Mal verschlimmert.", "auf {zone} sind mehr Pickel als vorher.", "die Entzündung ist stärker geworden.", "dieses Mittel hilft Ihnen leider nicht.", NULL}},
    {"change", TEXTS{"wir müssen die Behandlung ändern.", "bitte vereinbaren Sie einen Termin in der Praxis.", NULL}},
    {NULL, NULL},
};

static const grammar_rule portuguese[] = {
    {"welcome", TEXTS{"{hello} {diagnosis} {dose} {advice}", NULL}},
    {"progress", TEXTS{"{so_far} {dose}", "{hello} {so_far} {advice}", NULL}},
    {"improved", TEXTS{"{hello} {good} {good} {dose}", "{good} {advice}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {bad} {dose}", "{bad} {advice}", NULL}},
    {"hello", TEXTS{"olá,", "bom dia,", "boa tarde,", "", NULL}},
    {"zone", TEXTS{"nas bochechas", "na testa", "no queixo", NULL}},
    {"diagnosis", TEXTS{"você tem acne moderada, principalmente {zone}.", "vejo espinhas inflamadas {zone} e algumas manchas.", NULL}},
    {"dose", TEXTS{"aplique o gel toda noite com a pele seca.", "tome uma cápsula por dia depois do almoço.", "use protetor solar de manhã.", NULL}},
    {"advice", TEXTS{"por favor, não esprema as espinhas.", "mande novas fotos daqui a duas semanas.", NULL}},
    {"so_far", TEXTS{"ainda é cedo para saber se o tratamento funciona.", "está um pouco mais calmo, o resto continua igual.", NULL}},
    {"good", TEXTS{"sua pele está muito mais limpa do que no mês passado.", "as espinhas {zone} quase sumiram.", "a vermelhidão diminuiu bastante.", NULL}},
    {"bad", TEXTS{"a acne piorou desde a última consulta.", "apareceram mais espinhas {zone}.", "a inflamação está mais forte do que antes.", NULL}},
    {NULL, NULL},
};

static const grammar_rule italian[] = {
    {"welcome", TEXTS{"{hello} {diagnosis} {dose} {advice}", NULL}},
    {"progress", TEXTS{"{so_far} {dose}", "{hello} {so_far} {advice}", NULL}},
    {"improved", TEXTS{"{hello} {good} {good} {dose}", "{good} {advice}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {bad} {dose}", "{bad} {advice}", NULL}},
    {"hello", TEXTS{"buongiorno,", "salve,", "gentile paziente,", "", NULL}},
    {"zone", TEXTS{"sulle guance", "sulla fronte", "sul mento", NULL}},
    {"diagnosis", TEXTS{"si tratta di un'acne moderata, soprattutto {zone}.", "vedo brufoli infiammati {zone} e alcune macchie.", NULL}},
    {"dose", TEXTS{"applichi il gel ogni sera sulla pelle asciutta.", "prenda una capsula al giorno dopo i pasti.", "usi la crema solare la mattina.", NULL}},
    {"advice", TEXTS{"per favore non tocchi i brufoli.", "mi mandi nuove foto tra due settimane.", NULL}},
    {"so_far", TEXTS{"è ancora presto per giudicare la terapia.", "qualcosa si è calmato, il resto è uguale a prima.", NULL}},
    {"good", TEXTS{"la sua pelle è molto più pulita del mese scorso.", "i brufoli {zone} sono quasi spariti.", "il rossore è diminuito parecchio.", NULL}},
    {"bad", TEXTS{"l'acne è peggiorata dall'ultima visita.", "sono comparsi altri brufoli {zone}.", "l'infiammazione è più forte di prima.", NULL}},
    {NULL, NULL},
};

const grammar_rule *const notes_foreign[NOTE_LANGUAGES] = {NULL, hindi, hindi_roman, spanish, french, german, portuguese, italian};
