"""User agents as they are sent: of browsers, and of programs."""

_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KIT}"
_MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_KIT}"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_IOS}"


def _android(phone: str, browser: str = "", version: str = "137.0.0.0") -> str:
    end = f" {browser}" if browser else ""
    return f"Mozilla/5.0 (Linux; Android {phone}) {_KIT} Chrome/{version} Mobile Safari/537.36{end}"


def _in_app(phone: str, app: str) -> str:
    return (
        f"Mozilla/5.0 (Linux; Android {phone}; wv) {_KIT} Version/4.0 Chrome/137.0.7151.61 "
        f"Mobile Safari/537.36 {app}"
    )


BROWSERS = (
    # Desktops
    f"{_WINDOWS} Chrome/137.0.0.0 Safari/537.36",
    f"{_WINDOWS} Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
    f"{_WINDOWS} Chrome/135.0.0.0 Safari/537.36 OPR/120.0.0.0",
    f"{_WINDOWS} Chrome/134.0.0.0 YaBrowser/25.4.0.0 Safari/537.36",
    f"{_WINDOWS} Chrome/136.0.0.0 Safari/537.36 Vivaldi/7.4.3684.43",
    f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36 Avast/126.0.25735.183",
    f"{_WINDOWS} QtWebEngine/6.7.2 Chrome/118.0.5993.220 Safari/537.36",
    f"{_WINDOWS} Code/1.101.0 Chrome/134.0.6998.205 Electron/35.5.1 Safari/537.36",
    f"{_WINDOWS} Slack/4.43.51 Chrome/134.0.6998.205 Electron/35.1.5 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    f"{_MAC} Chrome/137.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_IOS} Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:139.0) Gecko/20100101 Firefox/139.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_IOS} Version/17.4 Safari/605.1.15 Ddg/17.4",
    f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} Chrome/137.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_KIT} Chrome/136.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (X11; Linux x86_64) {_IOS} Version/17.0 Safari/605.1.15 Epiphany/605.1.15",
    f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} Konqueror/5.0.97 Chrome/118.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Konqueror/4.5; FreeBSD) KHTML/4.5.4 (like Gecko)",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Mozilla/5.0 (X11; OpenBSD amd64; rv:128.0) Gecko/20100101 Firefox/128.0",
    # Phones
    _android("10; K"),
    _android("10; K", "EdgA/137.0.0.0"),
    _android("10; K", "OPR/89.0.0.0"),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {_KIT} SamsungBrowser/28.0 Chrome/130.0.0.0 "
        "Mobile Safari/537.36"
    ),
    "Mozilla/5.0 (Android 14; Mobile; rv:139.0) Gecko/139.0 Firefox/139.0",
    (
        f"Mozilla/5.0 (Linux; U; Android 12; en-US; RMX3263 Build/SP1A.210812.016) {_KIT} Version/4.0 "
        "Chrome/100.0.4896.58 UCBrowser/13.4.2.1307 Mobile Safari/537.36"
    ),
    "UCWEB/2.0 (MIDP-2.0; U; Adr 4.4.2; en-US; GT-I9060) U2/1.0.0 UCBrowser/9.7.5.1004 Mobile",
    "Opera/9.80 (Android; Opera Mini/82.0.2254/191.303; U; en) Presto/2.12.423 Version/12.16",
    _android("11; M2004J19C", "OPR/82.1.2254.73109").replace(") Apple", "; wv) Apple"),
    f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} CriOS/137.0.7151.79 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} FxiOS/139.0 Mobile/15E148 Safari/605.1.15",
    f"{_IPHONE} Version/18.0 EdgiOS/137.0.3296.43 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} GSA/371.0.764203909 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} Version/18.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
    (
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00; HMSCore 6.14.0.302) "
        f"{_KIT} Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.312 Mobile Safari/537.36"
    ),
    (
        f"Mozilla/5.0 (Linux; U; Android 14; zh-cn; 23127PN0CC Build/UKQ1.230804.001) {_KIT} "
        "Version/4.0 Chrome/109.0.5414.118 Mobile Safari/537.36 XiaoMi/MiuiBrowser/18.6.40319"
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 13; zh-cn; V2055A Build/TP1A.220624.014) AppleWebKit/534.30 "
        "(KHTML, like Gecko) Version/4.0 Mobile Safari/534.30 SogouMSE,SogouMobileBrowser/5.28.12"
    ),
    "Mozilla/5.0 (Mobile; Nokia 2720 Flip; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.2.2",
    # Phones that are called what programs are called
    _android("9; CUBOT_X19_S Build/PPR1.180610.011", version="96.0.4664.104"),
    _android("10; CUBOT NOTE 20", version="120.0.0.0"),
    _android("11; KINGKONG 5 CUBOT", version="114.0.0.0"),
    _android("8.1.0; XBot_Senior Build/O11019", version="65.0.3325.109"),
    _android("6.0; VR BOT 552", version="72.0.3626.121"),
    _android("13; Spider 8", version="124.0.0.0"),
    _android("8.1.0; Fever_Plus_J", version="95.0.4638.50"),
    _android("4.3; ViewSonic A8+ Build/JLS36C", version="74.0.3729.157"),
    _android("11; moto g power (2022)", version="119.0.0.0"),
    (
        f"Mozilla/5.0 (Linux; U; Android 15; en-us; PKC110 Build/AP3A.240617.008) {_KIT} Version/4.0 "
        "Chrome/115.0.5790.168 Mobile Safari/537.36 HeyTapBrowser/40.9.0.1"
    ),
    # Tablets, televisions, consoles, glasses, readers
    f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {_IOS} Version/17.7 Mobile/15E148 Safari/604.1",
    (
        f"Mozilla/5.0 (Linux; Android 13; SM-X906C Build/TP1A.220624.014) {_KIT} "
        "Chrome/137.0.0.0 Safari/537.36"
    ),
    (
        f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {_KIT} Silk/126.4.1 like Chrome/126.0.6478.71 "
        "Safari/537.36"
    ),
    (
        f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) {_KIT} Version/7.0 Chrome/94.0.4606.31 TV "
        "Safari/537.36"
    ),
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_KIT} Chrome/108.0.5359.211 Safari/537.36 WebAppManager",
    (
        f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7684) {_KIT} Silk/98.6.10 like "
        "Chrome/98.0.4758.136 Safari/537.36"
    ),
    f"Mozilla/5.0 (PlayStation; PlayStation 5/6.00) {_IOS} Version/15.4 Safari/605.1.15",
    f"{_WINDOWS} Chrome/136.0.0.0 Safari/537.36 Edg/136.0.0.0 Xbox",
    (
        f"Mozilla/5.0 (X11; Linux x86_64; Quest 3) {_KIT} OculusBrowser/38.0.0 Chrome/132.0.6834.217 "
        "VR Safari/537.36"
    ),
    (
        "Mozilla/5.0 (X11; U; Linux armv7l like Android; en-us) AppleWebKit/531.2+ (KHTML, like Gecko) "
        "Version/5.0 Safari/533.2+ Kindle/3.0+"
    ),
    f"Mozilla/5.0 (Linux; Android 12; Tesla) {_KIT} Chrome/109.0.5414.119 Safari/537.36",
    # Inside apps
    _in_app("14; Pixel 8 Build/AP2A.240805.005", "[FB_IAB/FB4A;FBAV/509.0.0.63.109;]"),
    _in_app("15; CPH2557 Build/AP3A.240617.008", "Instagram 383.0.0.48.84 Android"),
    _in_app("16; SM-F966N; BP2A.250605.031.A3", "Viber/27.4.0.0"),
    _in_app("13; 22101316G Build/TP1A.220624.014", "MicroMessenger/8.0.50.2701(0x28003255)"),
    _in_app("14; SM-A546B Build/UP1A.231005.007", "GSA/16.21.60.29.arm64"),
    _in_app("12; Redmi Note 9 Pro", "Line/15.8.0/IAB"),
    _in_app("14; Cubot KingKong Star", "BytedanceWebview/d8a21c6 musical_ly_2023901020"),
    f"{_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/512.0.0.45.109;FBDV/iPhone15,2;FBOP/5]",
    f"{_IPHONE} Mobile/15E148 Instagram 383.0.0.34.84 (iPhone14,5; iOS 18_5; de_AT; scale=3.00)",
    f"{_IPHONE} Mobile/15E148 LinkedInApp",
    f"{_IPHONE} Mobile/22F76 Snapchat/13.43.0.52 (like Safari/8621.2.5.10.10, panda)",
)

_ABOUT = "Mozilla/5.0 (compatible; "
BOTS = {
    f"{_ABOUT}Googlebot/2.1; +http://www.google.com/bot.html)": "Googlebot",
    _android("6.0.1; Nexus 5X Build/MMB29P", f"({_ABOUT[13:]}Googlebot/2.1; +http://google.com)"): (
        "Googlebot"
    ),
    f"{_ABOUT}bingbot/2.0; +http://www.bing.com/bingbot.htm)": "bingbot",
    f"{_ABOUT}YandexBot/3.0; +http://yandex.com/bots)": "yandex.com/bots",
    f"{_ABOUT}AhrefsBot/7.0; +http://ahrefs.com/robot/)": "AhrefsBot",
    f"Mozilla/5.0 {_KIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot": "GPTBot",
    f"Mozilla/5.0 {_KIT}; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)": "ClaudeBot",
    f"{_WINDOWS} HeadlessChrome/137.0.0.0 Safari/537.36": "HeadlessChrome",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": (
        "facebookexternalhit"
    ),
    "curl/8.14.1": "curl",
    "Wget/1.21.4": "Wget",
    "python-requests/2.32.4": "python-requests",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": "Slackbot",
    f"{_ABOUT}UptimeRobot/2.0; http://www.uptimerobot.com/)": "UptimeRobot",
    f"{_WINDOWS} Chrome/108.0.0.0 Safari/537.36 Chrome-Lighthouse": "Chrome-Lighthouse",
    f"{_WINDOWS} Chrome/137.0.0.0 Safari/537.36 Playwright/1.50": "Playwright",
    # In no list
    f"{_ABOUT}KettleBot/0.1; +https://kettle.example/bot)": "(other)",
    "kettle-crawler/2.0": "(other)",
    f"{_ABOUT}Kettle/1.0)": "(other)",
    "Kettle Link-Checker 3": "(other)",
    "Mozilla/5.0 (X11; Linux x86_64) Kettle (+https://kettle.example)": "(other)",
}
"""What programs send, and what they are then called."""
