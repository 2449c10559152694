"""What to do about each error code, in Arabic: the providers' own words are English.

A code that is not here, as that of a plugin, keeps the words of its provider.
"""

from __future__ import annotations

from typing import Final

_SAFE: Final = "لم يُرسل شيء، فإعادة الإرسال آمنة."
_UNSURE: Final = "ربما أُرسلت الرسالة. راجع حساب المزوّد قبل إعادة الإرسال."
_NUMBER: Final = "اكتب كل رقم مع رمز البلد، بالأرقام فقط: 96598765432."
_TOP_UP: Final = "اشحن رصيد حسابك في kwtsms.com."
_MESSAGE_ID: Final = "تحقق من msg-id، وهو الذي يرجع عند الإرسال."

ARABIC_CURES: Final = {
    "name_not_found": f"تحقق من كتابة اسم المضيف ومن DNS في هذا الجهاز. {_SAFE}",
    "tls_failed": f"تحقق من أن المضيف يدعم HTTPS على هذا المنفذ، ومن الشهادة في ca_file. {_SAFE}",
    "connection_refused": f"تحقق من المضيف والمنفذ: لا شيء يستقبل هناك، أو أن جدارًا ناريًا يرفض. {_SAFE}",
    "connect_timeout": f"تحقق من الجدار الناري ومن أن المضيف يعمل، أو أنه يحتاج إلى وكيل (HTTPS_PROXY). {_SAFE}",
    "connect_failed": f"تحقق من شبكة هذا الجهاز. {_SAFE}",
    "proxy_not_reached": f"تحقق من عنوان الوكيل، ومن NO_PROXY إن لم يلزم وكيل. {_SAFE}",
    "proxy_auth_failed": f"اكتب اسم المستخدم وكلمة المرور في عنوان الوكيل. {_SAFE}",
    "proxy_refused": f"اطلب من مسؤول الوكيل السماح بهذا المضيف. {_SAFE}",
    "rate_limit": f"تحقق من قاعدة البيانات أو من مجلد الحالة. {_SAFE}",
    **dict.fromkeys(
        ("timeout", "connection_lost", "incomplete", "unreadable", "not_http", "oversized", "interrupted"), _UNSURE
    ),
    "ERR001": "فعّل واجهة API في kwtsms.com ← Account ← API.",
    "ERR002": "تحقق من وجود المرسل والرقم والنص.",
    "ERR003": "تحقق من KWTSMS_USERNAME وKWTSMS_PASSWORD: هما بيانات API، لا بيانات الموقع ولا رقم هاتفك.",
    "ERR004": "راسل دعم kwtSMS واطلب صلاحية API.",
    "ERR005": "راسل دعم kwtSMS واسأل عن سبب إيقاف الحساب.",
    "ERR006": _NUMBER,
    "ERR007": "أرسل إلى ٢٠٠ رقم على الأكثر في كل طلب.",
    "ERR008": "تحقق من اسم المرسل، مع مراعاة الحروف الكبيرة والصغيرة. الأمر kwtsms senderid يعرض أسماءك.",
    "ERR009": "اكتب نصًا. الرموز التعبيرية والحروف المخفية تُحذف قبل الإرسال ولا تُحسب.",
    "ERR010": _TOP_UP,
    "ERR011": f"{_TOP_UP} أو أرسل إلى أرقام أقل.",
    "ERR012": "اختصر النص: ١٠٧١ حرفًا بترميز GSM-7، و٤٦٩ بترميز Unicode.",
    "ERR013": "انتظر حتى يفرغ الطابور، ثم أعد الإرسال. لم تُخصم نقاط.",
    "ERR019": "هذا طبيعي في الكويت: شبكاتها لا ترسل تقارير. في غيرها اسأل بعد خمس دقائق من الإرسال.",
    "ERR020": _MESSAGE_ID,
    "ERR021": "اسأل مرة أخرى بعد دقائق.",
    "ERR022": "اسأل مرة أخرى بعد ٢٤ ساعة.",
    "ERR023": "اسأل لاحقًا، أو راسل دعم kwtSMS.",
    "ERR024": "أضف عنوان IP العام لهذا الخادم في kwtsms.com ← Account ← API ← IP Lockdown، أو عطّل القائمة.",
    "ERR025": _NUMBER,
    "ERR026": "اطلب من دعم kwtSMS تفعيل هذا البلد لحسابك.",
    "ERR027": "احذف الوسوم من النص.",
    "ERR028": "انتظر ١٥ ثانية على الأقل قبل الإرسال إلى الرقم نفسه. رُفض الطلب كله ولم تُخصم نقاط.",
    "ERR029": _MESSAGE_ID,
    "ERR030": "هذا طبيعي للرسالة التجريبية: احذفها من الطابور لتستعيد النقاط. وإلا فابحث عن رموز تعبيرية أو حروف مخفية.",
    "ERR031": "غيّر النص.",
    "ERR032": "غيّر النص، واذكر فيه اسم تطبيقك.",
    "ERR033": "اطلب من دعم kwtSMS تفعيل التغطية.",
}
