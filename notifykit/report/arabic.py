"""The words of the report in plain Modern Standard Arabic."""

from __future__ import annotations

from typing import Final

MONTHS: Final = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
]
#: Monday first.
WEEKDAYS: Final = ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"]

#: Forms for one, two, 3 to 10, 11 to 99, and whole hundreds.
NOUNS: Final = {
    "message": ("رسالة واحدة", "رسالتان", "رسائل", "رسالة", "رسالة"),
    "accepted message": ("رسالة مقبولة واحدة", "رسالتان مقبولتان", "رسائل مقبولة", "رسالة مقبولة", "رسالة مقبولة"),
    "point": ("نقطة واحدة", "نقطتان", "نقاط", "نقطة", "نقطة"),
    "day": ("يوم واحد", "يومان", "أيام", "يومًا", "يوم"),
    "time": ("مرة واحدة", "مرتان", "مرات", "مرة", "مرة"),
    "segment": ("جزء واحد", "جزآن", "أجزاء", "جزءًا", "جزء"),
    "code": ("رمز واحد", "رمزان", "رموز", "رمزًا", "رمز"),
    "recipient": ("مستلم واحد", "مستلمان", "مستلمين", "مستلمًا", "مستلم"),
}

ARABIC: Final = {
    # The page.
    "Report of messages": "تقرير الرسائل",
    "{first} to {last}": "من {first} إلى {last}",
    "There is nothing to show: the log has no message of this time.": "لا يوجد ما يُعرض: السجل لا يحتوي على أي رسالة من هذه الفترة.",
    "Not in these figures": "ما لا تشمله هذه الأرقام",
    "Table": "الجدول",
    "Messages": "الرسائل",
    "Points": "النقاط",
    "Balance": "الرصيد",
    "Accepted": "المقبولة",
    "It lasts": "يكفي",
    "more": "أكثر",
    "no date": "بلا تاريخ",
    # Outcomes.
    "accepted": "مقبولة",
    "rejected": "مرفوضة",
    "unknown": "غير معروفة",
    "skipped": "متروكة",
    "test": "تجريبية",
    "none": "بلا",
    "default": "الافتراضي",
    "(others)": "(أخرى)",
    # Messages and points.
    "Messages by day": "الرسائل في كل يوم",
    "Of {messages} sent to people, {share} were accepted; {rejected} rejected, {unknown} unknown. Tests: {tests}.": "أُرسل إلى الناس {messages}، قُبل منها {share}. المرفوضة: {rejected}، وغير المعروفة: {unknown}، والتجريبية: {tests}.",
    "Day": "اليوم",
    "Points by day": "النقاط في كل يوم",
    "{points} were charged, {each} for each accepted message; most on {day}: {most}. Tests are not in it.": "التكلفة {points}، أي {each} لكل رسالة مقبولة. أعلى تكلفة في {day}: {most}. لا تشمل الرسائل التجريبية.",
    "Segments": "الأجزاء",
    # Balance.
    "Balance of {account}": "رصيد {account}",
    "The balance is {balance}. Added: {refill} in {times}. Not ours: {foreign}.": "الرصيد الآن {balance}. أُضيف {refill} ({times}). ليست منا: {foreign}.",
    "Not ours: the balance fell by more than our messages cost. Somebody else spends on this account.": "«ليست منا» تعني أن الرصيد نقص أكثر من تكلفة رسائلنا: هناك من ينفق من هذا الحساب غيرنا.",
    "Messages with an unknown outcome may explain a part of it.": "قد تفسر الرسائل غير معروفة النتيجة جزءًا من ذلك.",
    "{points} points added": "أُضيفت نقاط: {points}",
    "{points} points not ours": "نقاط ليست منا: {points}",
    "Our cost": "تكلفتنا",
    "Added": "المضاف",
    "Not ours": "ليست منا",
    "Nothing was spent in the last days, so there is no forecast.": "لم يُنفق شيء في الأيام الأخيرة، فلا يوجد توقع.",
    "At {daily} a day, the median of {days}, it lasts {lasts} ({low} to {high}).": "بمعدل {daily} في اليوم (الوسيط خلال {days}) يكفي الرصيد {lasts} (من {low} إلى {high}).",
    # Week.
    "Hour by weekday": "الساعات وأيام الأسبوع",
    "Most are sent on {day} at {hour}:00; {share} between 22:00 and 08:00.": "أكثر الرسائل تُرسل يوم {day} الساعة {hour}:٠٠، و{share} منها بين ٢٢:٠٠ و٠٨:٠٠.",
    "Hour": "الساعة",
    "Hours of the zone {zone}.": "الساعات بتوقيت {zone}.",
    "of this machine": "هذا الجهاز",
    # Errors.
    "Errors and their cures": "الأخطاء وحلولها",
    "{messages} failed. The most frequent code is {code}: {share} of them.": "لم تنجح {messages}. أكثر الرموز تكرارًا {code}، وهو {share} منها.",
    "Code": "الرمز",
    "What happened": "ما حدث",
    "What to do": "ما العمل",
    # Latency.
    "Time of a request, by hour": "مدة الطلب في كل ساعة",
    "Half of the messages were taken within {half} ms, 95 % within {most} ms; slowest at {hour}:00.": "قُبل نصف الرسائل خلال {half} مللي ثانية، و٩٥٪ منها خلال {most} مللي ثانية. أبطأ ساعة هي {hour}:٠٠.",
    "Median, ms": "الوسيط (مللي ثانية)",
    "95 %, ms": "٩٥٪ (مللي ثانية)",
    "Times are exact within 3 %. The axis is logarithmic.": "دقة الأزمنة ٣٪. المحور لوغاريتمي.",
    # Sizes.
    "Encoding and segments": "الترميز والأجزاء",
    "{unicode} are Unicode, with 70 characters in a segment instead of 160; {longer} need more than one segment.": "{unicode} من الرسائل بترميز Unicode، حيث يتسع الجزء لـ ٧٠ حرفًا بدلًا من ١٦٠. و{longer} منها تحتاج إلى أكثر من جزء.",
    "Encoding": "الترميز",
    "Characters that forced Unicode": "الحروف التي فرضت Unicode",
    "{name} is in {messages}; without Unicode they would have needed {lost} fewer.": "ورد {name} في {messages}، وبغير Unicode كانت ستوفر {lost}.",
    "Arabic letters": "حروف عربية",
    "Arabic digits": "أرقام عربية",
    "Character": "الحرف",
    "Segments more": "الأجزاء الزائدة",
    "A segment is a point in most countries. A message with several of them counts for each. Letters have no replacement; `notifykit explain` has those of signs.": "الجزء نقطة في معظم البلدان. الرسالة التي فيها أكثر من حرف منها تُحسب لكل حرف. لا بديل للحروف الهجائية، أما بدائل العلامات فيعرضها الأمر notifykit explain.",
    # Groups.
    "Senders": "المرسلون",
    "Sender": "المرسل",
    "Most messages have the sender {name}: {share}.": "أكثر الرسائل من المرسل {name}: {share}.",
    "Tags": "الوسوم",
    "Tag": "الوسم",
    "The most frequent tag is {name}: {share} of the messages.": "أكثر الوسوم تكرارًا {name}: {share} من الرسائل.",
    "Countries": "البلدان",
    "Country": "البلد",
    "Most messages go to {name}: {share}.": "أكثر الرسائل إلى {name}: {share}.",
    # Delivery.
    "From plan to phone": "من التخطيط إلى الهاتف",
    "Of {accepted}, {delivered} are known to be delivered and {failed} known to have failed; {waiting} have no final report yet.": "من {accepted}: وصل {delivered}، ولم يصل {failed}، ولا تقرير نهائيًا بعد عن {waiting}.",
    "planned": "مخطط لها",
    "sent on by the network": "أرسلتها الشبكة",
    "delivered": "وصلت",
    "known to have failed": "لم تصل",
    "no final report yet": "لا تقرير نهائيًا بعد",
    "with any report": "لها تقرير",
    "Step": "الخطوة",
    "No final report yet does not mean failed: the report may still come, or the network sends none.": "غياب التقرير النهائي لا يعني أن الرسالة لم تصل: قد يأتي التقرير لاحقًا، أو لا ترسله الشبكة.",
    # One-time codes.
    "One-time codes": "رموز التحقق",
    "{share} of {codes} were typed correctly. Sent again: {resent}. Held back by a limit: {blocked}.": "أُدخل بشكل صحيح {share} من {codes}. أُعيد إرسالها: {resent}. مُنعت بسبب الحدود: {blocked}.",
    "asked for": "مطلوبة",
    "sent": "مرسلة",
    "verified": "تم التحقق منها",
    "sent again": "أُعيد إرسالها",
    "wrong attempts": "محاولات خاطئة",
    "held back by a limit": "منعتها الحدود",
    "could not be sent": "تعذر إرسالها",
    "Codes": "الرموز",
    # Recipients.
    "Who was sent most": "أكثر من أُرسل إليهم",
    "{people} were sent messages; the first of the list got {most}.": "عدد من أُرسل إليهم: {people}. الأول في القائمة تلقى {most}.",
    "Two numbers that look alike are two people: digits are hidden.": "الرقمان المتشابهان لشخصين: بعض الأرقام مخفية.",
    "Recipient": "المستلم",
}
