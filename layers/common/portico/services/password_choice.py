"""What people may choose as their password (NIST SP 800-63B section 5.1.1.2): long enough, not
their own name, and not what everybody tries first.
"""

from portico.domain.errors import Problem
from portico.services.accounts import MAX_PASSWORD, MIN_PASSWORD

# The most frequent ones of published leaks that are long enough for the rule of length.
_WORDS = """
00000000 01234567 0123456789 0987654321 1111111111 11111111 11223344 1122334455 12121212
123123123 12341234 1234512345 12345678 123456789 1234567890 123456789a 12345678910 1234qwer
123456abc 123456qwerty 123qwe123 147258369 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx
1qaz2wsx3edc 22222222 23456789 55555555 66666666 77777777 87654321 88888888 9876543210 987654321
99999999 a1b2c3d4 a1b2c3d4e5 aa123456 aaaaaaaa abc12345 abc123456 abcd1234 abcdefgh access14
admin123 admin1234 administrator america1 asdf1234 asdfasdf asdfghjk asdfghjkl babygirl baseball
basketball beautiful blink182 butterfly changeme changeme1 chocolate computer corvette danielle
december dragon123 elephant fireball football football1 forever1 freedom1 fuckyou1 goodluck
hello123 hellohello iloveyou iloveyou1 iloveyou2 internet jennifer jordan23 letmein1 letmein123
liverpool lovely12 loveme123 manchester marlboro maverick mercedes michelle midnight monkey123
mustang1 mypassword nopassword november p@ssw0rd p@ssword pa$$w0rd pass1234 passpass passw0rd
password password! password1 password1! password12 password123 password1234 password2 patricia
princess princess1 q1w2e3r4 q1w2e3r4t5 qazwsxedc qwer1234 qwerasdf qwerqwer qwert123 qwerty12
qwerty123 qwerty1234 qwertyui qwertyuiop rainbow1 redskins samantha secret123 september slipknot
spiderman starwars sunshine sunshine1 superman superman1 superstar swordfish test1234 testtest
trustno1 victoria welcome1 welcome123 whatever wordpass xxxxxxxx zaq12wsx zaq1zaq1 zxcvbnm1
zxcvbnm123
"""
COMMON = frozenset(_WORDS.split())


def choice_problems(password: str, user: str, email: str = "") -> list[Problem]:
    """What is wrong with a password that a person has chosen; a sentence for each."""
    plain = password.lower()
    own = {user.lower(), email.lower(), user.lower().partition("@")[0]}
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        message = f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters"
    elif plain in own or plain.strip("0123456789!.") in own:
        message = "must not be the user name or e-mail address"
    elif plain in COMMON or len(set(plain)) < 3:
        message = "is one of those that everybody tries first"
    else:
        return []
    return [Problem("password", message)]
