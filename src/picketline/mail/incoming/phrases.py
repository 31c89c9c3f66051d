"""How answering machines and ticket systems begin their subjects, in the languages we meet.

Last resort for those that mark their mail in no other way. A phrase must open the subject, and
one that a person might write too must stand alone there: "Out of office" or "Out of office:", but
not "Out of office hours the gate is locked".
"""

import re
from collections.abc import Iterable
from unicodedata import normalize

_ANSWERS = (
    *("automatic reply", "automatic response", "automated reply", "automated response"),
    *("auto reply", "auto-reply", "autoreply", "auto response", "auto-response", "autoresponse"),
    *("autoresponder", "auto:", "vacation reply", "vacation response", "out of office reply"),
    *("out of office autoreply", "out-of-office reply", "out of office message"),
    *("réponse automatique", "reponse automatique", "message d'absence", "avis d'absence"),
    *("notification d'absence", "absence du bureau"),
    *("автоответ", "автоответчик", "автоматический ответ", "автоматическое уведомление"),
    *("автоматты жауап", "автоматты түрде жауап", "автожауап"),
    *("رد تلقائي", "الرد التلقائي", "رد آلي", "الرد الآلي", "رسالة تلقائية"),
    *("automatische antwort", "automatische rückantwort", "autom. antwort", "abwesenheitsnotiz"),
    *("abwesenheitsbenachrichtigung", "abwesenheitsmeldung", "abwesenheitsassistent"),
    *("respuesta automática", "respuesta automatica", "aviso de ausencia"),
    *("risposta automatica", "messaggio automatico di assenza", "avviso di assenza"),
    *("resposta automática", "resposta automatica", "aviso de ausência"),
    *("otomatik yanıt", "otomatik cevap", "otomatik ileti"),
    *("automatisch antwoord", "afwezigheidsbericht", "autosvar", "automatiskt svar"),
    *("automatisk svar", "automaattinen vastaus", "autoodpowiedź", "odpowiedź automatyczna"),
    *("automatická odpověď", "автоматична відповідь", "自动回复", "自動回覆", "自動返信"),
    *("自動応答", "자동 회신", "자동회신", "부재중"),
)
_ABSENCES = (
    *("out of office", "out of the office", "out-of-office", "ooo", "away from the office"),
    *("away from my desk", "away from my mail", "on vacation", "on annual leave", "on leave"),
    *("i am on leave", "i am on vacation", "i am out of the office", "i'm out of the office"),
    *("absent du bureau", "absente du bureau", "je suis absent", "je suis absente", "en congé"),
    *("en congés", "hors du bureau", "absence"),
    *("я в отпуске", "в отпуске", "нахожусь в отпуске", "вне офиса", "нет на месте", "отсутствую"),
    *("демалыстамын", "еңбек демалысындамын", "кеңседен тыс", "жұмыс орнында жоқпын"),
    *("خارج المكتب", "أنا خارج المكتب", "في إجازة", "أنا في إجازة", "غير متواجد في المكتب"),
    *("abwesenheit", "abwesend", "nicht im büro", "nicht im hause", "außer haus", "im urlaub"),
    *(
        "fuera de la oficina",
        "fuera de oficina",
        "ausencia",
        "estoy de vacaciones",
        "de vacaciones",
    ),
    *("fuori ufficio", "fuori sede", "assenza", "assente", "in ferie", "sono in ferie"),
    *("fora do escritório", "ausência", "ausência temporária", "de férias", "estou de férias"),
    *("ofis dışında", "ofis dışındayım", "ofis dışı", "izindeyim", "yıllık izindeyim"),
    *("afwezig", "poza biurem", "nieobecność"),
)
_RECEIVED = (
    *("we have received your", "we received your", "your request has been received"),
    *(
        "your message has been received",
        "your e-mail has been received",
        "thank you for contacting",
    ),
    *("thank you for contacting", "your email has been received"),
    *("thank you for your enquiry", "confirmation of receipt"),
    *("acknowledgement of receipt", "acknowledgment of receipt", "ticket received"),
    *("ticket created", "new support ticket", "request received"),
    *("accusé de réception", "accuse de reception", "nous avons bien reçu votre"),
    *("votre demande a été enregistrée", "votre demande a bien été reçue"),
    *("ваше обращение принято", "ваше обращение зарегистрировано", "ваше обращение получено"),
    *("ваше письмо получено", "ваша заявка принята", "ваша заявка зарегистрирована"),
    *("мы получили ваше", "подтверждение получения", "обращение зарегистрировано"),
    *("сіздің өтінішіңіз қабылданды", "сіздің өтінішіңіз тіркелді", "өтінішіңіз қабылданды"),
    *("өтінішіңіз тіркелді", "хатыңыз алынды"),
    *("تم استلام رسالتك", "تم استلام طلبك", "لقد استلمنا رسالتك", "إشعار استلام"),
    *("eingangsbestätigung", "empfangsbestätigung", "ihre anfrage ist eingegangen"),
    *("wir haben ihre nachricht erhalten", "wir haben ihre anfrage erhalten"),
    *("acuse de recibo", "hemos recibido su", "confirmación de recepción"),
    *("conferma di ricezione", "abbiamo ricevuto la", "avviso di ricevimento"),
    *("confirmação de recebimento", "confirmação de receção", "recebemos a sua", "recebemos sua"),
    *("talebiniz alınmıştır", "başvurunuz alınmıştır", "mesajınız alınmıştır"),
)
_REPLIES = (
    *("re", "aw", "antw", "antwort", "sv", "vs", "odp", "ynt", "yan", "cvp", "rép", "rep", "réf"),
    *("r", "rif", "ris", "rv", "res", "resp", "отв", "ответ", "на", "жауап", "رد", "الرد"),
    *("回复", "答复", "回覆", "返信", "답장", "vá", "atb", "αντ", "απ", "відп"),
)


def _normal(text: str) -> str:
    """One spelling: no capitals, no half-width letters, Turkish i without regard to its dot."""
    folded = normalize("NFKC", text).casefold().replace("\u0307", "").replace("ı", "i")
    return folded.replace("\u2019", "'")


def _one_of(phrases: Iterable[str]) -> str:
    return "|".join(sorted({re.escape(_normal(phrase)) for phrase in phrases}, key=len)[::-1])


# What may stand before: brackets, a ticket's number in brackets or after a word.
_BEFORE = (
    r"[\s\[(<*\"«“„{-]*(?:[\[(][^\])]{1,60}[\])][\s:-]*)?"
    r"(?:(?:ticket|case)[\s:#]*[\w-]{0,30}\d\s*[:-]\s*)?"
)
_ALONE = (
    r"(?=\s*(?:$|[:\-–—()\[\]|,;.!/>*\"»”}]"
    r"|(?:re|aw|sv|until|till|from|bis|vom|du|jusqu|до|с|hasta|fino|até)\b))"
)
_ANSWER = re.compile(rf"{_BEFORE}(?:{_one_of(_ANSWERS)})(?!\w)")
_ABSENCE = re.compile(rf"{_BEFORE}(?:{_one_of(_ABSENCES)}){_ALONE}")
_ACKNOWLEDGEMENT = re.compile(rf"{_BEFORE}(?:{_one_of(_RECEIVED)})(?!\w)")
_REPLY = re.compile(
    rf"\s*(?:\[[^\]]{{1,60}}\]\s*)?(?:{_one_of(_REPLIES)})\s*(?:[\[(^]?\d{{1,4}}[\])]?)?\s*:"
)


def announces_absence(subject: str) -> bool:
    """Whether an answering machine begins its subjects so; `subject` is decoded."""
    text = _normal(subject)
    return any(pattern.match(text) for pattern in (_ANSWER, _ABSENCE))


def acknowledges(subject: str) -> bool:
    """Whether a ticket system says so that it received something."""
    return bool(_ACKNOWLEDGEMENT.match(_normal(subject)))


def is_reply(subject: str) -> bool:
    """Whether the subject begins with "Re:" or what mail programs of other languages write."""
    return bool(_REPLY.match(_normal(subject)))
