/*
 * Functions that have no safe or reproducible use here.  Include after the
 * standard headers.
 */
#ifndef WF_BANNED_H
#define WF_BANNED_H

#define WF__BANNED(name) use_of_banned_function_##name

#undef strcpy
#define strcpy(d, s) WF__BANNED(strcpy)
#undef strcat
#define strcat(d, s) WF__BANNED(strcat)
#undef strncpy
#define strncpy(d, s, n) WF__BANNED(strncpy)
#undef sprintf
#define sprintf(...) WF__BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) WF__BANNED(vsprintf)
#undef strtok
#define strtok(s, d) WF__BANNED(strtok)
#undef atoi
#define atoi(s) WF__BANNED(atoi)
#undef atof
#define atof(s) WF__BANNED(atof)
#undef rand
#define rand() WF__BANNED(rand)
#undef srand
#define srand(s) WF__BANNED(srand)
#undef gmtime
#define gmtime(t) WF__BANNED(gmtime)
#undef localtime
#define localtime(t) WF__BANNED(localtime)

#endif
