"""Version 1 of the phrases that flag an agent's message, in lower case, as agents write them."""

_PHRASES = {
    ("UPSELL", "en"): (
        "you should upgrade",
        "upgrade to our premium",
        "upgrade to the premium",
        "add more dishes",
        "why not add",
        "i recommend the bigger package",
        "go for the bigger package",
        "buy one more",
        "most people order more",
        "you will need more than that",
    ),
    ("UPSELL", "hi"): (
        "प्रीमियम पैकेज ले लीजिए",
        "बड़ा पैकेज ले लीजिए",
        "कुछ और जोड़ लीजिए",
        "थोड़ा और ऑर्डर कर लीजिए",
        "अपग्रेड कर लीजिए",
        "premium package le lijiye",
        "bada package le lijiye",
        "aur add kar lijiye",
        "upgrade kar lijiye",
    ),
    ("PROMISE", "en"): (
        "i promise",
        "i guarantee",
        "guaranteed delivery",
        "100% guarantee",
        "i will give you a discount later",
        "free of cost next time",
        "don't worry about the bill",
        "pay me directly",
        "outside the app",
        "we will adjust it later",
    ),
    ("PROMISE", "hi"): (
        "मैं वादा करता हूँ",
        "मैं वादा करती हूँ",
        "पक्का गारंटी",
        "अगली बार मुफ़्त",
        "बाद में छूट दे दूँगा",
        "बाद में छूट दे दूँगी",
        "ऐप के बाहर",
        "main vaada karta hoon",
        "main vaada karti hoon",
        "agli baar free",
        "baad mein adjust kar denge",
    ),
}

PHRASES = [
    {"language": language, "phrase": phrase, "kind": kind}
    for (kind, language), phrases in _PHRASES.items()
    for phrase in phrases
]
