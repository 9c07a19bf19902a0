/* How much of a face is covered. */
#include <math.h>

#include "assess/measures.h"

wf__cover wf__cover_of_face(const wf__subject *s)
{
    (void)s;
    return (wf__cover){NAN, NAN};
}
