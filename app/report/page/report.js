// What a person can move: without this the page shows the same, side by side.
(function () {
  'use strict';
  document.documentElement.classList.add('js');

  document.querySelectorAll('.maps').forEach(function (pair) {
    var stacks = pair.querySelectorAll('.stack');
    var slider = pair.querySelector('input[type=range]');
    slider.addEventListener('input', function () {
      stacks.forEach(function (stack) {
        stack.style.opacity = slider.value / 100;
      });
    });
    var choices = pair.querySelector('.switch');
    if (!pair.querySelector('.error')) choices.hidden = true;
    choices.addEventListener('change', function (event) {
      pair.classList.toggle('error', event.target.value === 'error');
    });
  });

  // A row of the regions' table lights its region up.
  document.querySelectorAll('.one').forEach(function (one) {
    function light(event, on) {
      var row = event.target.closest('tr[data-region]');
      if (!row) return;
      var path = one.querySelector('path[data-region="' + row.dataset.region + '"]');
      if (path) path.classList.toggle('on', on);
    }
    [['mouseover', true], ['mouseout', false], ['focusin', true], ['focusout', false]]
      .forEach(function (pair) {
        one.addEventListener(pair[0], function (event) { light(event, pair[1]); });
      });
  });

  // Everything is shown on paper.
  window.addEventListener('beforeprint', function () {
    document.querySelectorAll('details').forEach(function (d) { d.open = true; });
  });
})();
