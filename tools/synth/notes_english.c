/* English notes as dermatologists write them in a chat: diagnosis, treatment, mixed news on the way, and a last word that decides. */
#include <stddef.h>

#include "notes.h"

#define TEXTS (const char *const[])

const grammar_rule notes_english[] = {
    /* ---- whole notes ---- */
    {"welcome", TEXTS{"{hello} {thanks} {diagnosis} {regimen} {advice} {bye}", "{hello} {diagnosis} {regimen} {bye}", "{thanks} {diagnosis} {regimen} {when_photo}",
                      "{hello} {diagnosis} {advice} {regimen} {when_photo} {bye}", NULL}},
    {"progress", TEXTS{"{hello} {so_far} {regimen} {bye}", "{so_far} {advice}", "{hello} {so_far} {advice} {when_photo}", "{so_far} {regimen}", "{hello} {reminder} {bye}", NULL}},
    {"improved", TEXTS{"{hello} {good} {keep} {bye}", "{hello} {good} {good} {keep}", "{good} {keep} {when_photo}", "{hello} {good} {minor} {keep} {bye}", "{hello} {minor_but} {keep} {bye}",
                       "{good} {good}", "{good}", "{hello} {minor_but} {good} {keep}", "{thanks} {good} {advice} {keep}", "{hello} {not_bad} {good} {bye}", "{not_bad} {keep}",
                       "{good} {not_bad} {keep} {bye}", "{thanks} {minor_but} {not_bad} {when_photo}", NULL}},
    {"worse", TEXTS{"{hello} {bad} {change} {bye}", "{hello} {bad} {bad} {change}", "{bad} {change} {when_photo}", "{hello} {bad} {silver} {change} {bye}", "{hello} {silver_but} {change} {bye}",
                    "{bad} {bad}", "{bad}", "{hello} {silver_but} {bad} {change}", "{thanks} {bad} {advice} {change}", "{hello} {not_good} {bad} {bye}", "{not_good} {change}",
                    "{bad} {not_good} {change} {bye}", "{thanks} {silver_but} {not_good} {when_photo}", NULL}},
    {"leaflet", TEXTS{"how to use {drug}: {regimen} {advice}", "{advice} {advice}", "side effects of {drug} may include dryness, peeling, mild stinging and sensitivity to the sun. {advice}",
                      "if you miss a dose, do not double the next one. {regimen}", "store {drug} below 25 degrees and away from children. {advice} {regimen}", NULL}},

    /* ---- around the message ---- */
    {"hello", TEXTS{"", "", "", "hi,", "hello,", "dear patient,", "hi there,", "good morning,", "good evening,", "namaste,", "hello dear,", NULL}},
    {"bye", TEXTS{"", "", "", "take care.", "regards, dr {surname}.", "best wishes.", "see you at the next follow-up.", "message me if you have any questions.", "thanks, dr {surname}", NULL}},
    {"surname", TEXTS{"Rao", "Mehta", "Iyer", "Lopez", "Klein", "Osei", "Banerjee", "Nair", "Haddad", "Murphy", "Tanaka", "Costa", NULL}},
    {"thanks", TEXTS{"thanks for the {photo}.", "thank you for sending {photo}.", "I have gone through your {photo}.", "I looked at the {photo} that you uploaded {today}.", "received your {photo}.", NULL}},
    {"photo", TEXTS{"photos", "new pictures", "latest photos", "pictures", "selfies", "follow-up photos", NULL}},
    {"today", TEXTS{"today", "yesterday", "this morning", "last night", "this week", NULL}},
    {"when", TEXTS{"last month", "last time", "when we started", "at the first visit", "in the earlier pictures", "two weeks ago", "in your first photos", "before the treatment", "a month ago", NULL}},
    {"since", TEXTS{"since last month", "since our last chat", "over the past few weeks", "in the last {weeks} weeks", "since you started", "since the previous photos", "compared with {before}", NULL}},
    {"before", TEXTS{"last month", "the previous pictures", "your first photos", "the last visit", "a month ago", "how it was before the treatment", "the photos of {weeks} weeks ago", NULL}},
    {"weeks", TEXTS{"two", "three", "four", "6", "2", "3", "five", "eight", NULL}},
    {"zone", TEXTS{"cheeks", "forehead", "chin", "jawline", "left cheek", "right cheek", "nose", "temples", "lower face", NULL}},
    {"area", TEXTS{"forehead", "chin", "jawline", "left cheek", "right cheek", "nose", "left side", "right side", "lower face", "area around the mouth", NULL}},
    {"spots", TEXTS{"pimples", "spots", "breakouts", "bumps", "papules", "pustules", "inflamed spots", "zits", "acne lesions", "active lesions", NULL}},
    {"marks", TEXTS{"marks", "dark marks", "brown spots", "old marks", "post-acne marks", "scars", "blemishes", NULL}},
    {"much", TEXTS{"", "much", "a lot", "clearly", "visibly", "noticeably", "so much", "considerably", NULL}},

    /* ---- first message ---- */
    {"diagnosis", TEXTS{"this looks like {grade} acne with {spots} on the {zone}.", "you have {grade} acne vulgaris, mainly on the {zone}.", "what I see is inflammatory acne on the {zone} and some {marks}.",
                        "it is {grade} acne, nothing unusual at your age.", "I can see comedones, a few {spots} and {marks} on the {zone}.", "there is {grade} acne on the {zone}, some of it hormonal.",
                        "your skin type is oily with {grade} acne of the {zone}.", NULL}},
    {"grade", TEXTS{"mild", "moderate", "grade 2", "grade 3", "mild to moderate", "papulopustular", NULL}},

    /* ---- treatment and dose ---- */
    {"regimen", TEXTS{"apply a pea-sized amount of {drug} {freq}.", "use {drug} {freq} and {wash} in the morning.", "start with {drug} {freq} for {weeks} weeks.", "{pill} after food for {weeks} weeks.",
                      "at night: {wash}, wait 20 minutes, then {drug}. In the morning {wash} and sunscreen spf {spf}.", "take {pill}, and apply {drug} {freq} on the whole face, not only on the {spots}.",
                      "{drug} {freq}, {wash} twice daily, no scrubs.", "leave {drug} on for 30 min in the first week, then overnight.", NULL}},
    {"drug", TEXTS{"adapalene 0.1% gel", "benzoyl peroxide 2.5%", "clindamycin 1% gel", "azelaic acid 10%", "tretinoin 0.025% cream", "the night gel", "the combination gel", "salicylic acid 2%", "niacinamide 4%", NULL}},
    {"pill", TEXTS{"doxycycline 100 mg once daily", "minocycline 50 mg twice a day", "azithromycin 500 mg thrice weekly", "isotretinoin 10 mg on alternate days", "one zinc tablet daily", "the capsule once a day", NULL}},
    {"freq", TEXTS{"at night", "once daily", "every other night", "twice a day", "three nights a week", "on alternate days", "at bedtime", NULL}},
    {"wash", TEXTS{"a gentle cleanser", "the face wash", "a salicylic wash", "the foaming cleanser", "lukewarm water and the cleanser", NULL}},
    {"spf", TEXTS{"30", "40", "50", "50+", NULL}},
    {"advice", TEXTS{"", "please do not pick or squeeze.", "avoid oily hair products near the {zone}.", "change your pillow cover twice a week.", "drink enough water and sleep well.", "don't forget the moisturiser.",
                     "use sunscreen even on cloudy days.", "keep your phone screen clean.", "cut down on sugar and whey protein if you can.", "some dryness in the first two weeks is expected.",
                     "don't use home remedies like lemon or toothpaste.", NULL}},
    {"when_photo", TEXTS{"", "send new photos in {weeks} weeks.", "please upload pictures in daylight after {weeks} weeks.", "next review in {weeks} weeks.", "take the next photos without make-up, facing a window.", NULL}},
    {"reminder", TEXTS{"are you using {drug} {freq} as advised?", "please confirm how many doses of {pill} you have left.", "your photos are due, kindly upload them.", "the last picture was a bit dark, could you retake it near a window?",
                       "did the {drug} sting at all?", "it takes 8 to 12 weeks to judge the treatment, please be patient.", NULL}},

    /* ---- on the way ---- */
    {"so_far", TEXTS{"the {area} looks a bit calmer, the {area} not yet.", "some {spots} are drying while a few new ones came up on the {zone}.", "it is too early to say anything definite.",
                     "I see little change so far, which is normal in week {weeks}.", "the forehead is settling but the chin is still active.", "early purging is common with {drug}, don't stop it.",
                     "a few {spots} less on one side, a few more on the other.", "about the same as {when}, let us wait.", "redness comes and goes in these pictures, hard to judge with this light.", NULL}},

    /* ---- better: statements ---- */
    {"good", TEXTS{"your skin is {much} clearer than {when}.", "there are {far} fewer {spots} on the {zone} than {when}.", "the {spots} on your {zone} have {gone}.", "{pleased} with how the {area} looks now.",
                   "{good_fact}, and {good_fact}.", "{good_fact} {since}.", "{since}, {good_fact}.", "{great} {good_fact}.", "the treatment is working {well}, {good_fact}.", "{good_fact}; {good_fact} too.",
                   "I can see {a_big} improvement {since}.", "from {many} {spots} {when} you are down to {few}.", "you have responded {well} to {drug}.",
                   "compared with {before}, {good_fact}.", "what a difference {since}, {good_fact}.", NULL}},
    {"good_fact", TEXTS{"the redness has {faded}", "the inflammation has settled", "the {spots} have {gone}", "your complexion is more even", "the {area} is {much} smoother", "the swelling has gone down",
                        "the {marks} are fading", "most of the {spots} have healed", "the skin looks calm and healthy", "the acne is well under control", "only {few} small {spots} remain",
                        "the {area} is almost clear", "the texture is {much} better", "healing is going well", "the active acne has reduced {much}", NULL}},
    {"gone", TEXTS{"almost gone", "cleared up", "dried up nicely", "mostly healed", "flattened out", "disappeared", "settled down", "subsided", NULL}},
    {"faded", TEXTS{"faded", "gone down", "reduced a lot", "calmed down", "nearly vanished", "decreased", "come down nicely", NULL}},
    {"far", TEXTS{"far", "many", "a lot", "way", "clearly", NULL}},
    {"well", TEXTS{"well", "very well", "nicely", "beautifully", "better than I expected", NULL}},
    {"pleased", TEXTS{"I'm very happy", "I am really pleased", "I'm quite satisfied", "we can both be happy", "I am delighted", NULL}},
    {"great", TEXTS{"great progress!", "excellent!", "good news:", "well done,", "lovely result,", "good job,", "wonderful,", NULL}},
    {"a_big", TEXTS{"a big", "a clear", "a marked", "a definite", "very good", "a steady", "remarkable", NULL}},
    {"few", TEXTS{"two or three", "just a couple", "one or two", "a handful", "hardly any", NULL}},
    {"many", TEXTS{"more than 30", "about twenty", "dozens of", "25 or so", "so many", NULL}},

    /* better, said with a negation */
    {"not_bad", TEXTS{"no new {spots} {since}.", "I don't see any new {spots}, and the old ones are healing.", "there is no sign of the painful cysts you had {when}.", "the redness isn't spreading any more, it has {faded}.",
                      "you no longer have active acne on the {zone}.", "nothing to worry about now, {good_fact}.", "not a single fresh pimple on the {zone} this time!", "the {spots} have not come back and {good_fact}.",
                      "there isn't much left to treat.", "I could not find any inflamed lesion on the {zone}.", "the {area} isn't inflamed anymore.", "never seen your skin this clear.",
                      "without any new {spots} {since}, we are on the right track.", NULL}},
    /* a reservation that does not change the verdict */
    {"minor", TEXTS{"a few {marks} will take some more weeks.", "the {marks} need time but that is cosmetic.", "some dryness around the mouth is from the {drug} and will pass.", "the nose is still a little oily.",
                    "one small pimple on the chin is nothing to worry about.", NULL}},
    {"minor_but", TEXTS{"although a few {marks} remain, {good_fact}.", "there is still some redness near the nose, but overall {good_fact}.", "even if the chin had a small flare last week, {good_fact} {since}.",
                        "yes, the skin feels dry, but {good_fact} and that is what counts.", "despite one or two new {spots} on the {zone}, your skin is {much} clearer than {when}.",
                        "I know progress felt slow at first, still {good_fact}.", "the {marks} are not gone yet; however {good_fact} and {good_fact}.", "it got worse in week two, as I had warned, but now {good_fact}.", NULL}},
    {"keep", TEXTS{"", "continue the same routine.", "keep going with {drug} {freq}.", "you may reduce {drug} to {freq}.", "we can stop {pill} now and keep only {drug}.", "please carry on for another {weeks} weeks.",
                   "no change in the prescription.", "let's go to maintenance: {drug} {freq}.", "finish the strip of tablets, then only the gel.", "keep it up.", NULL}},

    /* ---- worse: statements ---- */
    {"bad", TEXTS{"your skin is {much_bad} inflamed than {when}.", "there are {many_more} {spots} on the {zone} than {when}.", "the {spots} have spread to the {zone}.", "{sorry} {bad_fact}.", "{bad_fact}, and {bad_fact}.",
                  "{bad_fact} {since}.", "{since}, {bad_fact}.", "{bad_fact}; {bad_fact} as well.", "I can see a {clear_bad} worsening {since}.", "from {few} {spots} {when} you are up to {many}.",
                  "compared with {before}, {bad_fact}.", "the acne has {flared} {since}.", "things have gone in the wrong direction {since}, {bad_fact}.", NULL}},
    {"bad_fact", TEXTS{"the redness has increased", "the inflammation is stronger", "new {spots} keep coming up", "the {area} has broken out badly", "there are more {spots} than before", "the {spots} have become deeper and painful",
                       "the {area} is angry and red", "the {area} is worse", "fresh pustules have appeared on the {zone}", "it has spread from the chin to the {zone}", "the swelling has gone up",
                       "the acne has got worse", "the condition of the {area} has deteriorated", "more cysts have formed along the jawline", "the number of {spots} has doubled", NULL}},
    {"flared", TEXTS{"flared up again", "flared", "come back", "relapsed", "worsened", "become more severe", "got out of hand", NULL}},
    {"much_bad", TEXTS{"more", "much more", "clearly more", "a lot more", "visibly more", "considerably more", NULL}},
    {"many_more", TEXTS{"many more", "more", "clearly more", "a lot more", "far more", NULL}},
    {"sorry", TEXTS{"I'm afraid", "unfortunately", "sadly,", "sorry to say that", "I am concerned,", "bad news:", "to be honest,", "I'm worried that", NULL}},
    {"clear_bad", TEXTS{"clear", "definite", "marked", "steady", "significant", "disappointing", NULL}},

    /* worse, said with a negation of good */
    {"not_good", TEXTS{"there is no improvement, {bad_fact}.", "the {area} isn't getting better, {bad_fact}.", "this is not the result we hoped for: {bad_fact}.", "I'm not happy with the {area}, {bad_fact}.",
                       "the redness has not gone down, if anything {bad_fact}.", "your skin hasn't responded to {drug}.", "{drug} is not working for you and {bad_fact}.", "it does not look better than {when}, it looks worse.",
                       "the {spots} have not healed and {bad_fact}.", "no relief so far, {bad_fact}.", "neither the gel nor the tablets have helped, {bad_fact}.", "the skin is not clearing at all, {bad_fact}.",
                       "I can't call this progress, {bad_fact}.", NULL}},
    /* good news that does not change the verdict */
    {"silver", TEXTS{"at least the {marks} are lighter.", "the nose is fine.", "it is good that you kept to the routine.", "we have other options, don't lose heart.", "the dryness should be easy to treat.", NULL}},
    {"silver_but", TEXTS{"although the forehead looks calmer, {bad_fact}.", "the {marks} are a bit lighter, but {bad_fact}.", "you did well with the routine, however {bad_fact}.", "one cheek is slightly better, but overall {bad_fact}.",
                         "it looked promising {when}, but now {bad_fact}.", "I hoped for a better result; {bad_fact} and {bad_fact}.", "thanks for being so regular, yet {bad_fact} {since}.",
                         "even though {drug} helped at first, {bad_fact} now.", "despite {weeks} weeks of {drug}, {bad_fact}.", NULL}},
    {"change", TEXTS{"", "we need to change the treatment.", "let us step up to {pill}.", "stop {drug} and start {pill}.", "increase {drug} to {freq}.", "please book a visit in person.", "I will add {pill} for {weeks} weeks.",
                     "please get a hormone test done.", "stop all the other creams at once.", "we will switch from {drug} to {drug}.", "come in so that we can talk about isotretinoin.", NULL}},
    {NULL, NULL},
};
