/* Writes text in the language of manual pages, man(7). */
#ifndef TOOLS_ROFF_H
#define TOOLS_ROFF_H

#include <stdio.h>

/* Text with nothing of it taken for markup. */
void roff_text(FILE *out, const char *text);
/* The same, lines broken between words; an empty line begins a paragraph. */
void roff_paragraphs(FILE *out, const char *text);
/* ".SH TITLE" and ".SS TITLE". */
void roff_section(FILE *out, const char *title);
void roff_subsection(FILE *out, const char *title);
/* An item's head; its text follows by roff_paragraphs. */
void roff_option(FILE *out, char letter, const char *name, const char *metavar);
void roff_item(FILE *out, const char *head);
/* "explain [OPTIONS] PROBE": words in capitals are what a user puts there. */
void roff_usage(FILE *out, const char *usage);
/* A line as it is typed. */
void roff_command_line(FILE *out, const char *line);

#endif
