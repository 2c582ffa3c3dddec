/* What an expression cannot tell: checksums, ranges, entropy, shape. */
#ifndef DLP_VALIDATE_H
#define DLP_VALIDATE_H

#include "aip/bytes.h"

/* Is the matched text what its expression takes it for? */
typedef bool (*dlp_validator)(aip_bytes match);

bool dlp_validate_any(aip_bytes match);
bool dlp_validate_random(aip_bytes match);   /* at least 2.5 bits a character in what follows the fixed head */
bool dlp_validate_luhn(aip_bytes match);     /* ISO/IEC 7812-1, blanks and hyphens aside; not one digit repeated */
bool dlp_validate_mod97(aip_bytes match);    /* ISO 13616, blanks aside, with the country's length where it is known */
bool dlp_validate_ssn(aip_bytes match);      /* no area 000, 666 or 9xx, no group 00, no serial 0000 */
bool dlp_validate_jwt(aip_bytes match);      /* the first part is a JSON object that names an algorithm */
bool dlp_validate_pem(aip_bytes match);      /* between the lines stand at least 24 characters of base64 */
bool dlp_validate_password(aip_bytes match); /* of a URL: no placeholder */
bool dlp_validate_email(aip_bytes match);    /* not the user by which git is reached */
bool dlp_validate_dni(aip_bytes match);      /* Spain: the letter is the number modulo 23 */
bool dlp_validate_cpf(aip_bytes match);      /* Brazil: two check digits modulo 11 */
bool dlp_validate_nir(aip_bytes match);      /* France: 97 minus the number modulo 97 */
bool dlp_validate_wif(aip_bytes match);      /* Base58Check of a Bitcoin private key: version 0x80, double SHA-256 */
bool dlp_validate_nino(aip_bytes match);     /* United Kingdom: no unused prefix */

#endif
